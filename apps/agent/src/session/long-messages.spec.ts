import type { AttemptPlan, ManifestDocument } from '@millrace/contracts';
import { sleep, systemClock } from '@millrace/core';
import { stageParameters } from '@millrace/model';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import { startTestAgent, type TestAgent } from '../../test/test-agent';
import { TestApi } from '../../test/test-api';
import type { StartGpuThread } from '../worker/gpu-thread';
import type { FromWorker } from '../worker/worker-messages';

/** What gRPC takes in one message here, at both ends. */
const GRPC_MESSAGE_BYTES = 5 * 2 ** 20;
const SIZES = { heads: 1, hidden: 1, ffn: 1, context: 1, vocab: 23 };

let api: TestApi;
let agent: TestAgent;
/** What the GPU thread was given, and what it says. */
let started: AttemptPlan[];
let say: (message: FromWorker) => void;

beforeEach(() => {
  started = [];
  api = new TestApi();
});
afterEach(async () => {
  await agent.stop();
  api.stop();
});

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = systemClock.monotonicMs() + 40_000;
  while (!condition()) {
    if (systemClock.monotonicMs() > end) throw new Error(`${what} did not happen`);
    await sleep(systemClock, 5);
  }
}

/** Of the tensors that a checkpoint of so many layers has. */
function entriesOf(layers: number): { name: string; kind: 'weight' | 'm' | 'v'; shape: number[] }[] {
  const { model, stages } = attemptPlan({ model: { ...SIZES, layers } });
  const parameters = stageParameters(model, stages[0]!);
  return (['weight', 'm', 'v'] as const).flatMap((kind) =>
    parameters.map(({ name, shape }) => ({ name, kind, shape: [...shape] })),
  );
}

const startThread: StartGpuThread = (task, onMessage) => {
  if (task.kind === 'attempt') started.push(task.plan);
  say = onMessage;
  return { post: () => undefined, silentMs: () => 0, stop: () => Promise.resolve() };
};

/** A rank in the middle: it needs no token file. */
async function start(layers: number, manifest?: ManifestDocument): Promise<void> {
  const plan = attemptPlan({ ranks: 3, model: { ...SIZES, layers }, partition: [1, layers - 2, 1] });
  const resume: AttemptPlan['resume'] = manifest ? { from: 'checkpoint', manifest } : { from: 'random' };
  const given = { ...plan, rank: 1, firstStep: (manifest?.step ?? 0) + 1, resume };
  agent = await startTestAgent('agent_0', await api.start(), { startThread });
  await until('a session', () => api.sessions.size === 1);
  const { runId, fence } = given;
  const value = { commandId: 'start', runId, fence, planJson: JSON.stringify(given), dataCredential: undefined };
  api.send('agent_0', { $case: 'startAttempt', value });
  await until('the start', () => started.length === 1);
}

function finishCheckpoint(layers: number): void {
  let callId = 0;
  for (const entry of entriesOf(layers)) {
    const data = new Float32Array(entry.shape.reduce((product, size) => product * size, 1));
    say({ type: 'snapshot-piece', callId: callId++, step: 2, piece: { ...entry, elementOffset: 0, data } });
  }
  say({ type: 'snapshot-end', callId, stored: { step: 2, final: true } });
}

it('takes the plan of a run that goes on from a checkpoint of 900 layers', async () => {
  const blocks = [{ sha256: 'a'.repeat(64), bytes: 4, offset: 4 }];
  const tensors = entriesOf(900).map((entry) => ({ ...entry, dtype: 'f32' as const, blocks }));
  const manifest: ManifestDocument = {
    version: 1,
    runId: 'run_test',
    step: 2,
    model: attemptPlan({ model: { ...SIZES, layers: 900 } }).model,
    rng: { seed: 42 },
    dataPosition: { samples: 16 },
    optimizer: { type: 'adamw', step: 2 },
    tensors,
  };
  expect(JSON.stringify(manifest).length).toBeGreaterThan(GRPC_MESSAGE_BYTES);
  await start(900, manifest);
  expect(started[0]!.resume).toEqual({ from: 'checkpoint', manifest });
  expect(api.epochs).toBe(1);
});

it('reports a checkpoint of 780 layers once, in one session', async () => {
  await start(780);
  finishCheckpoint(780);
  await until('the report', () => api.of('checkpoint').length > 0);
  const [report] = api.of('checkpoint');
  expect(report).toMatchObject({ state: 'stored', step: 2 });
  expect(report!.manifestPartJson.length).toBeGreaterThan(GRPC_MESSAGE_BYTES);
  expect(JSON.parse(report!.manifestPartJson)).toMatchObject({ tensors: { length: entriesOf(780).length } });
  expect(api.epochs).toBe(1);
});

it('ends the attempt with the reason where the API is of an earlier version and takes no parts', async () => {
  api.takesParts = false;
  await start(780);
  finishCheckpoint(780);
  await until('the failure', () => api.states('agent_0').includes('failed'));
  expect(api.of('attempt').at(-1)).toMatchObject({
    failureClass: 'user_error',
    errorCode: 'SESSION.MESSAGE_TOO_LARGE',
  });
  expect(api.of('checkpoint')).toEqual([]);
  expect(api.epochs).toBe(1);
});
