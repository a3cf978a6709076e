import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { RunBody } from '@millrace/contracts';
import type { MillraceClient } from '@millrace/sdk';
import { FakeClock } from '@millrace/testing';
import { watchRun } from './watch-run';

const STEPS = { steps: 2, spec: { train: { batch: { global: 2 } }, model: { context: 4 } } };

it('tells each reason for which a run waits, once, and each state', async () => {
  const waits = (message: string): unknown => ({ state: 'queued', reason: { code: 'X', message } });
  const seen = [
    waits('waits for the scheduler'),
    waits('needs 2 devices, 1 is idle'),
    waits('needs 2 devices, 1 is idle'),
    { state: 'running', reason: null },
    { state: 'succeeded', reason: null },
  ];
  const client = {
    run: () => Promise.resolve({ ...STEPS, name: 'moby', ...(seen.shift() as object) } as RunBody),
    metrics: () => Promise.resolve({ points: [], nextCursor: null }),
  } as unknown as MillraceClient;
  const stream = new PassThrough();
  const clock = new FakeClock();
  const watched = watchRun({ client, clock, runId: 'run_1', stream: stream as unknown as NodeJS.WriteStream });
  expect(await clock.run(watched, 10_000)).toMatchObject({ state: 'succeeded' });
  expect(String(stream.read()).trimEnd().split('\n')).toEqual([
    'moby is queued: waits for the scheduler',
    'moby is queued: needs 2 devices, 1 is idle',
    'moby is running',
    'moby is succeeded',
  ]);
});
