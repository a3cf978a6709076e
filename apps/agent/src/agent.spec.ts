import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { AttemptPlan, GeneratePlan, ManifestDocument } from '@millrace/contracts';
import { sleep, systemClock } from '@millrace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attemptPlan, patternTokens, type PlanOptions } from '../test/attempt-plans';
import { startTestAgent, startTestThread, type TestAgent, testThreads } from '../test/test-agent';
import { TestApi } from '../test/test-api';
import type { GpuThread, StartGpuThread } from './worker/gpu-thread';

let api: TestApi;
let address: string;
let agents: TestAgent[];

beforeEach(async () => {
  api = new TestApi();
  address = await api.start();
  agents = [];
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  api.stop();
});

/** A thread that says nothing, and can be stopped. */
const SILENT_THREAD: GpuThread = { post: () => undefined, silentMs: () => 1234, stop: () => Promise.resolve() };

async function until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const end = systemClock.monotonicMs() + timeoutMs;
  while (!condition()) {
    if (systemClock.monotonicMs() > end) {
      const reports = api.of('attempt').map(({ state, errorMessage }) => `${state} ${errorMessage}`);
      throw new Error(`${what} did not happen; reports: ${reports.join(' | ')}`);
    }
    await sleep(systemClock, 5);
  }
}

async function start(count: number): Promise<void> {
  for (let index = 0; index < count; index++) agents.push(await startTestAgent(`agent_${index}`, address));
  await until('sessions', () => api.sessions.size === count);
}

/** Raises the fence of a run, and waits for a later heartbeat that has nothing running. */
async function supersede(runId: string, fence: number): Promise<void> {
  const earlierCount = api.of('heartbeat').length;
  api.fences.set(runId, fence);
  const later = () => api.of('heartbeat').slice(earlierCount);
  await until('nothing running', () => later().some(({ running }) => running.length === 0));
}

function tokenFile(): { sha256: string; bytes: number } {
  const bytes = Buffer.from(Uint16Array.from(patternTokens.read(0, 2000)).buffer);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  api.blobs.set(sha256, bytes);
  return { sha256, bytes: bytes.length };
}

function plan(options: PlanOptions = {}): AttemptPlan {
  const base = attemptPlan(options);
  const peers = base.stages.map((_, rank) => ({ rank, agentId: agents[rank]!.id, address: agents[rank]!.address }));
  return { ...base, peers, dataset: { ...base.dataset, ...tokenFile() } };
}

function startAttempt(given: AttemptPlan): void {
  api.fences.set(given.runId, given.fence);
  for (const { rank, agentId } of given.peers) {
    const { runId, fence } = given;
    api.send(agentId, {
      $case: 'startAttempt',
      value: {
        commandId: `start:${runId}:${fence}`,
        runId,
        fence,
        planJson: JSON.stringify({ ...given, rank }),
        dataCredential: undefined,
      },
    });
  }
}

/** The manifest that the API would publish from the parts of a step. */
function manifest(given: AttemptPlan, step: number): ManifestDocument {
  const parts = api.of('checkpoint').filter((report) => report.step === step && report.state === 'stored');
  const tensors = new Map(
    parts.flatMap(({ manifestPartJson }) => {
      const part = JSON.parse(manifestPartJson) as { tensors: ManifestDocument['tensors'] };
      return part.tensors.map((tensor) => [`${tensor.kind} ${tensor.name}`, tensor] as const);
    }),
  );
  return {
    version: 1,
    runId: given.runId,
    step,
    model: given.model,
    rng: { seed: 42 },
    dataPosition: { samples: 0 },
    optimizer: { type: 'adamw', step },
    tensors: [...tensors.values()],
  };
}

const finished = (count: number) => (): boolean =>
  api.of('attempt').filter(({ state }) => state === 'finished').length === count;

describe('an agent', () => {
  it('registers, heartbeats on time, and leaves with exit code 0', async () => {
    await start(1);
    await until('heartbeats', () => api.of('heartbeat').length >= 3);
    expect(api.of('register')[0]).toMatchObject({ agentId: 'agent_0', dataAddress: agents[0]!.address, running: [] });
    agents[0]!.agent.signal('SIGTERM');
    expect(await agents[0]!.exited).toBe(0);
  });

  it('ends with exit code 1 when its token is wrong from the start', async () => {
    const agent = await startTestAgent('agent_9', address, { token: 'bad' });
    agents.push(agent);
    expect(await agent.exited).toBe(1);
  });

  it('trains with its peers: reports, points, checkpoints of every tensor, and text from them', async () => {
    await start(2);
    const given = plan({ ranks: 2, train: { checkpointEvery: 2 } });
    startAttempt(given);
    await until('the end', finished(2));
    for (const { id } of agents) expect(api.states(id)).toEqual(['starting', 'ready', 'running', 'finished']);
    expect([...api.points.get('train/loss')!.keys()]).toEqual([1, 2, 3, 4]);
    expect([...api.points.get('val/loss')!.keys()]).toEqual([2, 4]);
    expect(api.of('commandResult').every(({ ok }) => ok)).toBe(true);
    expect(api.of('trace').length).toBeGreaterThan(0);
    const published = manifest(given, 4);
    expect(published.tensors.filter(({ kind }) => kind === 'weight')).toHaveLength(4 * 12 + 4);

    const generation: GeneratePlan = {
      taskId: 'task_1',
      rank: 0,
      dataKey: 'g'.repeat(40),
      model: given.model,
      stages: given.stages,
      peers: given.peers,
      manifest: published,
      promptTokens: [1, 8, 15],
      maxTokens: 12,
      temperature: 0.7,
      seed: 3,
    };
    for (const { rank, agentId } of given.peers) {
      api.send(agentId, {
        $case: 'generate',
        value: {
          commandId: 'generate:task_1',
          taskId: 'task_1',
          planJson: JSON.stringify({ ...generation, rank }),
          dataCredential: undefined,
        },
      });
    }
    await until('text', () => api.of('generateOutput').some(({ done }) => done));
    const output = api.of('generateOutput').at(-1)!;
    expect(output).toMatchObject({ taskId: 'task_1', errorMessage: '' });
    expect(output.tokens).toHaveLength(12);
    const whole = {
      ...generation,
      taskId: 'task_2',
      stages: [{ firstLayer: 0, layerCount: 4, embedding: true, head: true }],
      peers: [given.peers[0]!],
    };
    api.send('agent_0', {
      $case: 'generate',
      value: {
        commandId: 'generate:task_2',
        taskId: 'task_2',
        planJson: JSON.stringify(whole),
        dataCredential: undefined,
      },
    });
    await until('the same text', () =>
      api.of('generateOutput').some(({ taskId, done }) => taskId === 'task_2' && done),
    );
    expect(api.of('generateOutput').at(-1)!.tokens).toEqual(output.tokens);
    // Nothing runs any more: the checkpoint's blocks are deleted, the tokens are kept.
    await until('an empty cache', () => agents.every(({ cacheFolder }) => !existsSync(join(cacheFolder, 'blocks'))));
    expect(readdirSync(join(agents[0]!.cacheFolder, 'datasets'))).toHaveLength(1);
  });

  it('makes text between the steps of an attempt that trains on its device, the same as on a free one', async () => {
    const said = new Map<string, number>();
    const startThread: StartGpuThread = (task, onMessage) =>
      startTestThread(task, (message) => {
        said.set(message.type, (said.get(message.type) ?? 0) + 1);
        onMessage(message);
      });
    agents.push(await startTestAgent('agent_0', address, { startThread }));
    await until('a session', () => api.sessions.size === 1);
    const given = plan({ ranks: 1, steps: 100_000, train: { checkpointEvery: 2 } });
    startAttempt(given);
    await until('a checkpoint', () => api.of('checkpoint').some(({ step, state }) => step === 2 && state === 'stored'));
    const { model, stages, peers } = given;
    const sampling = { promptTokens: [1, 8], maxTokens: 5, temperature: 0.7, seed: 3 };
    const task = { rank: 0, dataKey: 'g'.repeat(40), model, stages, peers, manifest: manifest(given, 2), ...sampling };
    const generate = async (taskId: string): Promise<number[]> => {
      const planJson = JSON.stringify({ ...task, taskId });
      const value = { commandId: `generate:${taskId}`, taskId, planJson, dataCredential: undefined };
      api.send('agent_0', { $case: 'generate', value });
      const output = () => api.of('generateOutput').find((each) => each.taskId === taskId && each.done);
      await until(taskId, () => output() !== undefined);
      expect(output()?.errorMessage).toBe('');
      return [...(output()?.tokens ?? [])];
    };
    const beside = await generate('beside');
    expect(said.get('turn-given')).toBeGreaterThan(0);
    const steps = () => api.points.get('train/loss')?.size ?? 0;
    const before = steps();
    await until('training goes on', () => steps() > before);
    expect(api.states('agent_0')).toEqual(['starting', 'ready', 'running']);
    const stop = { commandId: 'stop', runId: given.runId, fence: given.fence, reason: 'cancel' };
    api.send('agent_0', { $case: 'stopAttempt', value: stop });
    await until('the stop', () => api.of('commandResult').some(({ commandId, ok }) => commandId === 'stop' && ok));
    const turns = said.get('turn-given');
    expect(await generate('alone')).toEqual(beside);
    expect(said.get('turn-given')).toBe(turns);
  });

  it('goes on while the API is away, and tells everything when it is back', async () => {
    await start(2);
    startAttempt(plan({ ranks: 2, steps: 12 }));
    await until('a few steps', () => (api.points.get('train/loss')?.size ?? 0) >= 3);
    api.acknowledging = false;
    api.stop();
    await sleep(systemClock, 300);
    api.acknowledging = true;
    await api.start(api.port);
    await until('the end', finished(2));
    expect([...api.points.get('train/loss')!.keys()]).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    const again = api.of('register').filter(({ running }) => running.length > 0);
    expect(again.length).toBeGreaterThanOrEqual(2);
  });

  it('drops an attempt when it hears of a higher fence, and takes the next one', async () => {
    await start(1);
    startAttempt(plan({ steps: 1000 }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    await supersede('run_test', 2);
    expect(api.states('agent_0')).not.toContain('failed');
    startAttempt({ ...plan(), fence: 2 });
    await until('the end', finished(1));
    api.send('agent_0', {
      $case: 'startAttempt',
      value: { commandId: 'late', runId: 'run_test', fence: 1, planJson: '{}', dataCredential: undefined },
    });
    await until('a refusal', () =>
      api
        .of('commandResult')
        .some(({ commandId, errorCode }) => commandId === 'late' && errorCode === 'AGENT.FENCE_OLD'),
    );
  });

  it('stops when told to, confirms it once the device is free, and answers a command that comes again alike', async () => {
    await start(1);
    startAttempt(plan({ steps: 1000 }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    const stop = { commandId: 'stop:run_test:1', runId: 'run_test', fence: 1, reason: 'cancel' };
    for (let times = 0; times < 2; times++) {
      api.send('agent_0', { $case: 'stopAttempt', value: stop });
      await until(
        'an answer',
        () => api.of('commandResult').filter(({ commandId }) => commandId === stop.commandId).length === times + 1,
      );
    }
    expect(api.of('commandResult').filter(({ commandId, ok }) => commandId === stop.commandId && ok)).toHaveLength(2);
  });

  it('measures links when an attempt begins, and layers while it has nothing else to do', async () => {
    await start(2);
    const measure = (commandId: string, microBatch = 2): void => {
      const workJson = JSON.stringify({ model: plan({ ranks: 2 }).model, microBatch, recompute: 'none' });
      api.send('agent_0', { $case: 'measureLayers', value: { commandId, workJson } });
    };
    measure('profile:1');
    await until('a profile', () => api.of('layerProfile').length === 1);
    const [profile] = api.of('layerProfile');
    expect(profile).toMatchObject({ commandId: 'profile:1', errorMessage: '' });
    expect(profile?.block?.backwardWeight).toBeGreaterThan(0);
    measure('profile:2', 0);
    startAttempt(plan({ ranks: 2, steps: 1000 }));
    await until('links', () => api.of('linkMeasured').length === 2);
    expect(api.of('linkMeasured', 'agent_0')[0]).toMatchObject({ runId: 'run_test', fence: 1, toRank: 1 });
    expect(api.of('linkMeasured', 'agent_1')[0]?.bytesPerSecond).toBeGreaterThan(0);
    measure('profile:3');
    const refused = (id: string): string | undefined =>
      api.of('commandResult').find(({ commandId, ok }) => commandId === id && !ok)?.errorCode;
    await until('refusals', () => refused('profile:2') !== undefined && refused('profile:3') !== undefined);
    expect([refused('profile:2'), refused('profile:3')]).toEqual(['AGENT.PLAN_INVALID', 'AGENT.BUSY']);
  });

  it('tells which variants it chose while an attempt began, before that is ready', async () => {
    const choice = { kernel: 'matmul_nn', bucket: 'K6 M6 N6', form: '64x64', ms: 1, usualMs: 2 };
    let before: string[] = [];
    const startThread = testThreads(async () => {
      await sleep(systemClock, 50);
      before = api.of('attempt').map(({ state }) => state);
      return [choice];
    });
    agents.push(await startTestAgent('agent_0', address, { startThread }));
    await until('a session', () => api.sessions.size === 1);
    startAttempt(plan({ steps: 1 }));
    await until('a choice', () => api.of('kernelChoices').length === 1);
    expect(api.of('kernelChoices')).toEqual([{ runId: 'run_test', fence: 1, choices: [choice] }]);
    expect(before).toEqual(['starting']);
    await until('ready', () => api.of('attempt').some(({ state }) => state === 'ready'));
  });

  it('gives the device to an attempt that comes while layers are measured', async () => {
    const threads: string[] = [];
    const slow: StartGpuThread = (task, onMessage) => {
      threads.push(task.kind);
      if (task.kind !== 'profile') return startTestThread(task, onMessage);
      return { ...SILENT_THREAD, stop: () => Promise.resolve(void threads.push('stopped')) };
    };
    agents.push(await startTestAgent('agent_0', address, { startThread: slow }));
    await until('a session', () => api.sessions.size === 1);
    const given = plan({ ranks: 1, steps: 2 });
    const workJson = JSON.stringify({ model: given.model, microBatch: 2, recompute: 'none' });
    api.send('agent_0', { $case: 'measureLayers', value: { commandId: 'profile:1', workJson } });
    await until('the thread', () => threads.length === 1);
    startAttempt(given);
    await until('the end', finished(1));
    expect(threads).toEqual(['profile', 'stopped', 'attempt']);
    expect(api.of('layerProfile')[0]?.errorMessage).toMatch(/wanted/);
  });

  it('stops at the next checkpoint that is due anyway, and not before', async () => {
    await start(2);
    startAttempt(plan({ ranks: 2, steps: 1000, train: { checkpointEvery: 40 } }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    const wishes = { checkpoint: false, stop: false, stopAtCheckpoint: true };
    api.send('agent_0', {
      $case: 'requestBoundary',
      value: { commandId: 'b', runId: 'run_test', fence: 1, ...wishes },
    });
    await until('both paused', () => api.of('attempt').filter(({ state }) => state === 'paused').length === 2);
    const steps = api.of('attempt').flatMap(({ state, step }) => (state === 'paused' ? [step] : []));
    expect(steps[0]! % 40).toBe(0);
    expect(new Set(steps).size).toBe(1);
    expect(api.of('checkpoint').some(({ step, state }) => step === steps[0] && state === 'stored')).toBe(true);
  });

  it('pauses at the next boundary when rank 0 is asked', async () => {
    await start(2);
    startAttempt(plan({ ranks: 2, steps: 1000 }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    api.send('agent_0', {
      $case: 'requestBoundary',
      value: { commandId: 'b', runId: 'run_test', fence: 1, checkpoint: true, stop: true, stopAtCheckpoint: false },
    });
    await until('both paused', () => api.of('attempt').filter(({ state }) => state === 'paused').length === 2);
    const steps = api
      .of('attempt')
      .filter(({ state }) => state === 'paused')
      .map(({ step }) => step);
    expect(steps[0]).toBe(steps[1]);
    expect(api.of('checkpoint').map(({ step, state }) => `${step} ${state}`)).toEqual([
      `${steps[0]} stored`,
      `${steps[0]} stored`,
    ]);
  });

  it('reports a checkpoint that does not fit on the disk and trains on, unless it is the last one', async () => {
    await start(1);
    api.putError = { code: status.RESOURCE_EXHAUSTED, details: 'the disk is nearly full' };
    startAttempt(plan({ train: { checkpointEvery: 2 } }));
    await until('the failure', () => api.states('agent_0').includes('failed'));
    expect(api.of('checkpoint').map(({ step, state }) => `${step} ${state}`)).toEqual(['2 failed', '4 failed']);
    expect(api.of('attempt').at(-1)).toMatchObject({
      state: 'failed',
      failureClass: 'internal',
      errorMessage: expect.stringContaining('nearly full') as string,
    });
    expect([...api.points.get('train/loss')!.keys()]).toEqual([1, 2, 3, 4]);
  });

  it('says that the numbers failed', async () => {
    await start(2);
    startAttempt(plan({ ranks: 2, train: { optimizer: { type: 'adamw', lr: 1e300 }, clip: undefined } }));
    await until('the failure', () => api.of('attempt').some(({ state }) => state === 'failed'));
    const report = api.of('attempt').findLast(({ state }) => state === 'failed')!;
    expect(report).toMatchObject({ failureClass: 'numerics', errorCode: 'STAGE.NUMERICS' });
    // The line that says why comes before the report, after which the API accepts no more of this attempt.
    const said = api.received.findIndex(
      ({ body }) => body.$case === 'logs' && body.value.lines.some(({ text }) => text === report.errorMessage),
    );
    expect(said).toBeGreaterThan(0);
    expect(said).toBeLessThan(api.received.findIndex(({ body }) => body.value === report));
  });

  it('tells what it does while it starts, once that lasts', async () => {
    const silent: StartGpuThread = () => SILENT_THREAD;
    agents.push(await startTestAgent('agent_0', address, { startThread: silent }));
    await until('a session', () => api.sessions.size === 1);
    startAttempt(plan());
    await until('the phase', () => api.of('attempt').at(-1)?.phase === 'opening');
    expect(api.of('attempt')[0]).toMatchObject({ state: 'starting', phase: 'fetching' });
    expect(api.states('agent_0')).toEqual(['starting']);
    await until('a heartbeat that says how silent the thread is', () => {
      const [running] = api.of('heartbeat').at(-1)?.running ?? [];
      return running?.threadSilentMs === 1234;
    });
  });

  it('starts no thread beside one that still ends', async () => {
    const happened: string[] = [];
    const slowToStop: StartGpuThread = (task, onMessage) => {
      happened.push('started');
      const thread = startTestThread(task, onMessage);
      const stop = async (): Promise<void> => {
        await sleep(systemClock, 300);
        await thread.stop();
        happened.push('stopped');
      };
      return { ...thread, stop };
    };
    agents.push(await startTestAgent('agent_0', address, { startThread: slowToStop }));
    await until('a session', () => api.sessions.size === 1);
    startAttempt(plan({ steps: 100_000 }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    await supersede('run_test', 2);
    startAttempt({ ...plan(), fence: 2 });
    await until('the end', finished(1));
    expect(happened.slice(0, 3)).toEqual(['started', 'stopped', 'started']);
  });

  it('stops by itself when no API is there for the grace period', async () => {
    api.graceMs = 1000;
    let isFree = false;
    const startThread: StartGpuThread = (task, onMessage) => {
      const thread = startTestThread(task, onMessage);
      return { ...thread, stop: () => thread.stop().then(() => void (isFree = true)) };
    };
    agents.push(await startTestAgent('agent_0', address, { startThread }));
    await until('a session', () => api.sessions.size === 1);
    startAttempt(plan({ steps: 100_000 }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    api.stop();
    await until('a free device', () => isFree);
    await api.start(api.port);
    await until('the report', () => api.states('agent_0').includes('failed'));
    expect(api.of('attempt').at(-1)).toMatchObject({ errorCode: 'AGENT.API_AWAY', failureClass: 'node_lost' });
  });

  it('stops by itself when the API holds the session open and answers nothing', async () => {
    api.graceMs = 2000;
    await start(1);
    startAttempt(plan({ steps: 100_000 }));
    await until('a step', () => (api.points.get('train/loss')?.size ?? 0) >= 1);
    api.answering = false;
    await until('the report', () => api.states('agent_0').includes('failed'));
    expect(api.of('attempt').at(-1)).toMatchObject({ errorCode: 'AGENT.API_AWAY', failureClass: 'node_lost' });
    expect(api.of('register')).toHaveLength(1);
  });

  it('tells that it was preempted when its process is asked to end while it waits for another rank', async () => {
    await start(1);
    const given = plan();
    const gone = { rank: 1, agentId: 'agent_1', address: '127.0.0.1:1' };
    const stages = attemptPlan({ ranks: 2 }).stages;
    const both = {
      ...given,
      stages,
      peers: [...given.peers, gone],
      spec: { ...given.spec, parallel: { ...given.spec.parallel, pp: 2 } },
    };
    startAttempt({ ...both, peers: both.peers });
    await until('ready', () => api.states('agent_0').includes('running'));
    agents[0]!.agent.signal('SIGTERM');
    await agents[0]!.exited;
    await until('the report', () => api.states('agent_0').includes('failed'));
    expect(api.of('attempt').at(-1)).toMatchObject({ failureClass: 'preempted' });
  });
});
