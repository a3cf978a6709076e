import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster, waitUntil } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

let cluster: LiveCluster;
const home = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));

/** What a shell may have for other programs, or has emptied: none of it is meant for this cluster. */
const shell = {
  PGOPTIONS: '-c no_such_setting=1',
  PGSSLMODE: 'require',
  http_proxy: 'http://127.0.0.1:9',
  no_proxy: '',
  ...{ DATABASE_URL: '', REDIS_URL: '', OTEL_EXPORTER_OTLP_ENDPOINT: '', MILLRACE_TLS_CERT: '', MILLRACE_TLS_CA: '' },
};

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2, environment: shell }, home);
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster.stop();
});

const values = async (id: string, name: string): Promise<number[]> =>
  (await cluster.metric(id, name)).map(({ value }) => value);

it('pauses at a step boundary and resumes to the same end', async () => {
  const train = { steps: 28, checkpointEvery: 10 };
  const calm = await cluster.client.submitRun(smallRun('calm', { train }));
  await cluster.untilRun(calm.id, ['succeeded']);

  const { id } = await cluster.client.submitRun(smallRun('paused', { train }));
  await cluster.untilStep(id, 12);
  await cluster.client.actOnRun(id, 'pause');
  const paused = await cluster.untilRun(id, ['paused']);
  expect(paused.step).toBeLessThan(28);
  const agents = await cluster.client.agents();
  expect(agents.items.every(({ lease }) => lease === null)).toBe(true);
  await cluster.client.actOnRun(id, 'resume');
  await cluster.untilRun(id, ['succeeded']);
  expect(await values(id, 'train/loss')).toEqual(await values(calm.id, 'train/loss'));
  expect(await cluster.modelHash(id)).toBe(await cluster.modelHash(calm.id));
});

it('keeps the last checkpoints only, and goes on from one with its optimizer', async () => {
  const whole = await cluster.client.submitRun(
    smallRun('whole', { train: { steps: 12, checkpointEvery: 2, keepCheckpoints: 2, lr: { schedule: 'constant' } } }),
  );
  await cluster.untilRun(whole.id, ['succeeded']);
  await waitUntil(
    'two checkpoints are left',
    async () => (await cluster.client.checkpoints(whole.id)).items.length === 2,
  );
  const { items } = await cluster.client.checkpoints(whole.id);
  expect(items.map(({ step }) => step).sort((a, b) => a - b)).toEqual([10, 12]);

  const from = items.find(({ step }) => step === 10)?.id ?? '';
  const next = await cluster.client.submitRun(
    smallRun('next', {
      model: { init: { from: 'checkpoint', id: from } },
      train: { steps: 12, checkpointEvery: 0, lr: { schedule: 'constant' } },
    }),
  );
  await cluster.untilRun(next.id, ['succeeded']);
  expect((await cluster.metric(next.id, 'train/loss')).map(({ step }) => step)).toEqual([11, 12]);
  expect(await cluster.modelHash(next.id)).toBe(await cluster.modelHash(whole.id));
});

it('cancels a run and frees its devices', async () => {
  const { id } = await cluster.client.submitRun(
    smallRun('cancelled', { train: { steps: 100_000, checkpointEvery: 0 } }),
  );
  await cluster.untilStep(id, 2);
  await cluster.client.actOnRun(id, 'cancel');
  await cluster.untilRun(id, ['cancelled']);
  await waitUntil('the devices are free', async () =>
    (await cluster.client.agents()).items.every(({ lease }) => lease === null),
  );
});

it('takes a checkpoint when asked, and moves a run off an agent that is drained', async () => {
  const { id } = await cluster.client.submitRun(
    smallRun('drained', { train: { steps: 100_000, checkpointEvery: 0 }, parallel: { pp: 1 } }),
  );
  await cluster.untilStep(id, 2);
  await cluster.client.actOnRun(id, 'checkpoint');
  await waitUntil('a checkpoint is durable', async () => (await cluster.client.checkpoints(id)).items.length > 0);
  const first = (await cluster.client.run(id)).attempts[0]?.stages[0]?.agent ?? '';
  await cluster.client.drainAgent(first, true);
  await waitUntil('the run is on the other agent', async () => {
    const run = await cluster.client.run(id);
    return run.state === 'running' && run.attempts.length === 2 && run.attempts[1]?.stages[0]?.agent !== first;
  });
  await cluster.client.drainAgent(first, false);
  await cluster.client.actOnRun(id, 'cancel');
  await cluster.untilRun(id, ['cancelled']);
});

it('says why a run waits', async () => {
  const { id } = await cluster.client.submitRun(smallRun('too-wide', { parallel: { pp: 3 } }));
  // Before the scheduler has looked at it, the reason is that it has not.
  await waitUntil('the reason names what is missing', async () => {
    const { state, reason } = await cluster.client.run(id);
    expect(state).toBe('queued');
    return /3.*2|2.*3/.test(reason?.message ?? '');
  });
  await cluster.client.actOnRun(id, 'cancel');
  await cluster.untilRun(id, ['cancelled']);
});

it('goes on after `up` itself was killed and started again on its home', async () => {
  const { id } = await cluster.client.submitRun(smallRun('survivor', { train: { steps: 50, checkpointEvery: 10 } }));
  await cluster.untilStep(id, 12);
  const { token } = cluster.endpoint;
  await cluster.stop('SIGKILL', true);
  cluster = await LiveCluster.start({ agents: 2 }, home);
  expect(cluster.endpoint.token).toBe(token);
  await cluster.untilRun(id, ['succeeded']);
  expect(await values(id, 'train/loss')).toHaveLength(50);
});

it('ends everything on SIGINT within 10 s, with exit code 0, and leaves no process', async () => {
  const pids = ['api', 'agent-1', 'agent-2', 'postgres'].map((name) => cluster.pid(name));
  const { code, tookMs } = await cluster.stop('SIGINT');
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(10_000);
  for (const pid of pids) expect(() => process.kill(pid, 0), `pid ${pid}`).toThrow();
});

it('leaves nothing behind where a cluster does not come about', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-failed-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    const environment = { MILLRACE_ADAPTER: 'an adapter that no machine has' };
    const start = LiveCluster.start({ agents: 1, environment, connectMs: 1_000 });
    // `up` gives up after some tries of its own, which on a fast machine is before the second that this start waits.
    await expect(start).rejects.toThrow(/1 agents connected|up exited with 1/);
    expect(readdirSync(folder).filter((name) => name.startsWith('millrace-e2e-'))).toEqual([]);
    const left = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && knows(pid, folder));
    expect(left.map((pid) => procOf(pid, 'cmdline'))).toEqual([]);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Whether a process was started for `folder`: `up` has it in its arguments, the API and the agents as TMPDIR. */
function knows(pid: string, folder: string): boolean {
  return ['cmdline', 'environ'].some((file) => procOf(pid, file).includes(folder));
}

/** Empty for a process that has ended. */
function procOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
