import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCpuBackend } from '@millrace/runtime';
import { FakeClock } from '@millrace/testing';
import { afterAll, expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import type { DeviceTurns } from '../generate/device-turns';
import { PendingBoundary, trainTask } from './train-task';
import type { WorkerPort } from './worker-port';

const folder = mkdtempSync(join(tmpdir(), 'millrace-train-task-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('refuses a token file with an id that the model does not have, before the first step', async () => {
  const plan = attemptPlan({ ranks: 1 });
  const { vocab } = plan.model;
  const tokenFile = join(folder, 'tokens');
  const ids = Array.from({ length: plan.dataset.tokens }, (_, position) => (position === 9 ? vocab : 0));
  writeFileSync(tokenFile, plan.dataset.dtype === 'u16' ? Uint16Array.from(ids) : Uint32Array.from(ids));
  const posted: string[] = [];
  const port = { post: ({ type }: { type: string }) => posted.push(type) } as unknown as WorkerPort;
  const turns = { pause: () => undefined } as unknown as DeviceTurns;
  const backend = openCpuBackend();
  const task = trainTask({
    plan,
    tokenFile,
    backend,
    port,
    requests: new PendingBoundary(),
    turns,
    clock: new FakeClock(),
  });
  await expect(task).rejects.toMatchObject({
    code: 'DATA.TOKEN_BEYOND_VOCAB',
    details: { id: vocab, position: 9, vocab },
  });
  expect(posted).toEqual([]);
});
