import type { RunState } from '@millrace/core';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RunBody } from '@millrace/contracts';
import { MillraceClient, allPages } from '@millrace/sdk';

/** Found from the source and from what the benchmarks are built to. */
export const ROOT = [resolve(__dirname, '../../..'), resolve(__dirname, '../../../..')].find((folder) =>
  existsSync(join(folder, 'nest-cli.json')),
)!;
const MILLRACE = join(ROOT, 'bin', 'millrace.js');

export interface ClusterSettings {
  readonly agents: number;
  /** Further environment of every process, for instance a short lease; undefined = unset. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Further options of `millrace up`. */
  readonly options?: readonly string[];
  /** How long its agents may take to connect; a minute if not given. */
  readonly connectMs?: number;
  /** How to reach a cluster with this home that has a certificate of its own. */
  readonly fetchFor?: (home: string) => typeof fetch;
}

/** What must depend neither on how a run is cut nor on what disturbs it. */
export interface Outcome {
  readonly losses: readonly number[];
  readonly validation: readonly number[];
  /** Of the newest checkpoint's weights. */
  readonly hash: string;
}

/** A real `millrace up` in a temporary home: real processes, a real database, free ports. */
export class LiveCluster {
  private constructor(
    readonly home: string,
    readonly up: ChildProcess,
    readonly client: MillraceClient,
    readonly endpoint: { http: string; grpc: string; token: string },
    private readonly output: string[],
  ) {}

  /** A start that fails leaves nothing behind; a home that was given stays. */
  static async start(settings: ClusterSettings, home?: string): Promise<LiveCluster> {
    const place = home ?? mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
    const { up, output } = spawnUp(settings, place);
    try {
      await announced(up, output);
      const endpoint = JSON.parse(readFileSync(join(place, 'endpoint.json'), 'utf8')) as LiveCluster['endpoint'];
      const { agents, fetchFor, connectMs } = settings;
      const trusting = fetchFor === undefined ? {} : { fetch: fetchFor(place) };
      const client = new MillraceClient({ origin: endpoint.http, token: endpoint.token, ...trusting });
      const cluster = new LiveCluster(place, up, client, endpoint, output);
      const connected = async (): Promise<boolean> => {
        const { items } = await client.agents();
        return items.filter(({ state }) => state === 'connected').length >= agents;
      };
      await waitUntil(`${agents} agents connected`, connected, connectMs);
      return cluster;
    } catch (error) {
      await ended(up);
      if (home === undefined) removeHome(place);
      throw error;
    }
  }

  /** Ends the cluster with `signal` and removes its home; gives the exit code and how long it took. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', keepHome = false): Promise<{ code: number | null; tookMs: number }> {
    const startedMs = performance.now();
    if (this.up.exitCode === null && this.up.signalCode === null) {
      const exited = new Promise((done) => this.up.once('exit', done));
      this.up.kill(signal);
      await exited;
    }
    const tookMs = performance.now() - startedMs;
    if (!keepHome) this.removeHome();
    return { code: this.up.exitCode, tookMs };
  }

  removeHome(): void {
    removeHome(this.home);
  }

  pid(name: string): number {
    return Number(readFileSync(join(this.home, 'pids', name), 'utf8'));
  }

  /** Number of the local agent with this id: `pids/agent-<number>` is its process. */
  numberOfAgent(agentId: string): number {
    for (let number = 1; existsSync(join(this.home, `agent-${number}`)); number++) {
      const id = readFileSync(join(this.home, `agent-${number}`, 'agent-id'), 'utf8').trim();
      if (id === agentId) return number;
    }
    throw new Error(`no local agent has the id ${agentId}`);
  }

  /** What `up` said and the last lines of every log: for the message of a failed test. */
  describe(): string {
    const logs = ['api', 'agent-1', 'agent-2', 'agent-3', 'agent-4'].map((name) => {
      const path = join(this.home, 'logs', `${name}.log`);
      return existsSync(path) ? `--- ${name}\n${readFileSync(path, 'utf8').split('\n').slice(-15).join('\n')}` : '';
    });
    return [this.output.join(''), ...logs].join('\n');
  }

  /** Ends an agent's process as a crash would. */
  killAgent(id: string): void {
    process.kill(this.pid(`agent-${this.numberOfAgent(id)}`), 'SIGKILL');
  }

  /** Waits until the run is in one of `states`; a run that ends in another state fails the wait at once. */
  async untilRun(id: string, states: readonly RunState[], timeoutMs = 120_000): Promise<RunBody> {
    let run = await this.client.run(id);
    await waitUntil(
      `run ${id} is ${states.join(' or ')}`,
      async () => {
        run = await this.client.run(id).catch(() => run);
        if (states.includes(run.state)) return true;
        if (['succeeded', 'failed', 'cancelled'].includes(run.state)) {
          throw new Error(
            `run ${id} is ${run.state}, not ${states.join(' or ')}: ${JSON.stringify(run.reason)} ${JSON.stringify(run.attempts)}\n${this.describe()}`,
          );
        }
        return false;
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${run.state} ${JSON.stringify(run.reason)}\n${this.describe()}`);
    });
    return run;
  }

  async metric(id: string, name: string): Promise<{ step: number; value: number }[]> {
    return allPages(async (page) => {
      const { points: items, nextCursor } = await this.client.metrics(id, name, page);
      return { items, nextCursor };
    });
  }

  /** Waits until the run has a loss for `step`. */
  untilStep(id: string, step: number): Promise<void> {
    return waitUntil(`run ${id} has reached step ${step}`, async () => {
      const run = await this.client.run(id);
      if (run.state === 'failed' || run.state === 'cancelled')
        throw new Error(`run is ${run.state}: ${JSON.stringify(run.reason)}\n${this.describe()}`);
      return (await this.metric(id, 'train/loss')).some((point) => point.step >= step);
    });
  }

  async outcome(runId: string): Promise<Outcome> {
    const values = async (name: string): Promise<number[]> =>
      (await this.metric(runId, name)).map(({ value }) => value);
    return {
      losses: await values('train/loss'),
      validation: await values('val/loss'),
      hash: await this.modelHash(runId),
    };
  }

  /** SHA-256 of the exported model of the run's newest checkpoint. */
  async modelHash(id: string): Promise<string> {
    const hash = createHash('sha256');
    const checkpoints = await allPages((page) => this.client.checkpoints(id, page));
    const last = checkpoints.reduce((newest, each) => (each.step > newest.step ? each : newest));
    for await (const chunk of (await this.client.exportModel(last.id)) as unknown as AsyncIterable<Uint8Array>)
      hash.update(chunk);
    return hash.digest('hex');
  }
}

interface Up {
  readonly up: ChildProcess;
  /** What it says on stderr. */
  readonly output: string[];
}

function spawnUp({ agents, environment = {}, options = [] }: ClusterSettings, home: string): Up {
  const args = [
    ...[MILLRACE, 'up', '--agents', String(agents), '--home', home],
    ...['--http-port', '0', '--grpc-port', '0', '--json', ...options],
  ];
  const settings = {
    MILLRACE_CPU_THREADS: '1',
    MILLRACE_LEASE_MS: '6000',
    MILLRACE_HEARTBEAT_MS: '1000',
    ...environment,
  };
  const env = { ...process.env, ...settings };
  const up = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const output: string[] = [];
  up.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  return { up, output };
}

/** Resolves when `up` says where its endpoint is. */
async function announced(up: ChildProcess, output: readonly string[]): Promise<void> {
  let stdout = '';
  await new Promise<void>((ready, failed) => {
    up.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      // An error is a document too; the exit that follows it says more.
      if (stdout.trimEnd().endsWith('}') && stdout.includes('endpointFile')) ready();
    });
    up.once('exit', (code) => failed(new Error(`millrace up exited with ${code ?? '?'}: ${output.join('')}`)));
  });
}

/** Ends it as a supervisor would; all that it started ends with it. */
async function ended(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null || up.signalCode !== null) return;
  const exited = new Promise((done) => up.once('exit', done));
  up.kill('SIGTERM');
  const cancel = setTimeout(() => up.kill('SIGKILL'), 30_000);
  await exited;
  clearTimeout(cancel);
}

function removeHome(home: string): void {
  const inHome = join(home, 'postgres');
  if (existsSync(inHome)) {
    const database = realpathSync(inHome);
    for (const path of [database, `${database}.of`]) rmSync(path, { recursive: true, force: true });
  }
  rmSync(home, { recursive: true, force: true });
}

export async function waitUntil(what: string, condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolvePromise) => setTimeout(resolvePromise, 200));
  }
}
