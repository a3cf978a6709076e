import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';
import { LiveCluster, type Outcome, waitUntil } from './live-cluster';
import { createSmallDataset, smallRun } from './small-run';

/** What a step may take on a machine that has much else to do, and what a short run may take at least. */
const STEP_MS_MAX = 400;
const RUN_MS_MAX = 120_000;

export interface OutageOptions {
  /** Of each of the two runs. */
  readonly steps: number;
  /** Of the cluster, beside the defaults; undefined = unset. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A cluster with a run on each of two agents, under which something stands still or dies. */
export class Outages {
  private cluster!: LiveCluster;
  /** Of an undisturbed run. */
  private calm!: Outcome;
  private agentNames: string[] = [];

  private constructor(private readonly options: OutageOptions) {}

  /** For the tests of this file. */
  static forTests(options: OutageOptions): Outages {
    const outages = new Outages(options);
    beforeAll(() => outages.start());
    afterAll(() => outages.cluster?.stop());
    return outages;
  }

  /**
   * Stands still with all its processes, as under a debugger, or on a machine that swaps: it neither answers nor closes
   * its connections.
   */
  async standStill(name: string, ms: number): Promise<void> {
    await pause(this.cluster.pid(name), ms, childrenOf);
  }

  /** Postgres answers on the connections that there are, and takes no others. */
  async takeNoConnections(ms: number): Promise<void> {
    await pause(this.cluster.pid('postgres'), ms, () => []);
  }

  async killPostgres(): Promise<void> {
    const before = this.cluster.pid('postgres');
    process.kill(before, 'SIGKILL');
    await waitUntil('another Postgres answers', async () => {
      if (this.cluster.pid('postgres') === before) return false;
      return this.cluster.client.agents().then(
        () => true,
        () => false,
      );
    });
  }

  /** Both runs go on in the same attempt, with each step once, to the bits of the undisturbed one. */
  async cost(name: string, happen: () => Promise<void>): Promise<void> {
    const { cluster, calm } = this;
    const ids = await Promise.all(this.agentNames.map((agent) => this.submit(name, agent)));
    await Promise.all(ids.map((id) => cluster.untilStep(id, 5)));
    await happen();
    for (const id of ids) {
      const ended = await cluster.untilRun(id, ['succeeded'], this.runMsMax);
      expect(
        ended.attempts.map(({ state, failure }) => ({ state, failure })),
        cluster.describe(),
      ).toEqual([{ state: 'finished', failure: null }]);
      const steps = (await cluster.metric(id, 'train/loss')).map(({ step }) => step);
      expect(steps).toEqual(Array.from({ length: this.options.steps }, (_, index) => index + 1));
      expect(await cluster.outcome(id)).toEqual(calm);
    }
  }

  private get runMsMax(): number {
    return Math.max(RUN_MS_MAX, this.options.steps * STEP_MS_MAX);
  }

  private async start(): Promise<void> {
    this.cluster = await LiveCluster.start({ agents: 2, environment: { ...this.options.environment } });
    await createSmallDataset(this.cluster.client);
    this.agentNames = (await this.cluster.client.agents()).items.map(({ host, device }) => `${host}:${device}`);
    const id = await this.submit('calm', this.agentNames[0] ?? '');
    await this.cluster.untilRun(id, ['succeeded'], this.runMsMax);
    this.calm = await this.cluster.outcome(id);
  }

  /** On one agent, so that two runs train at the same time. */
  private async submit(name: string, agent: string): Promise<string> {
    const spec = smallRun(name.replaceAll(/\W+/g, '-'), {
      train: { steps: this.options.steps, checkpointEvery: 100, evalEvery: 0 },
      parallel: { pp: 1, partition: [4] },
      resources: { include: [agent] },
    });
    return (await this.cluster.client.submitRun(spec)).id;
  }
}

/** The first stops first, so that it starts no process that is not stopped. */
async function pause(pid: number, ms: number, others: (pid: number) => number[]): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const stopped = others(pid);
  for (const each of stopped) signal(each, 'SIGSTOP');
  try {
    await new Promise((resolve) => setTimeout(resolve, ms));
  } finally {
    for (const each of [...stopped, pid]) signal(each, 'SIGCONT');
  }
}

/** One that has just ended needs no signal. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map(Number).filter((each) => parentOf(each) === pid);
}

/** Undefined for one that has just ended. */
function parentOf(pid: number): number | undefined {
  const path = `/proc/${pid}/status`;
  const parent = existsSync(path) ? /^PPid:\s*(\d+)/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  return parent === undefined ? undefined : Number(parent);
}
