import { createSmallDataset } from '../../../tests/e2e/support/small-run';
import { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import type { Measurement } from '../measurement';
import { uploadModel } from './upload-model';
import { SimulatedAgents } from './simulated-agents';
import { autoRun, largestSchedule, type PostedDocument, WORST_DOCUMENTS } from './worst-documents';

const AGENTS = 64;
const QUEUED_RUNS = 200;
const HEARTBEAT_MS = 1_000;
const DOCUMENTS_EVERY_MS = 250;
/** How far back the API's gauges look. */
const LOOK_BACK_MS = 60_000;
const LOOK_EVERY_MS = 5_000;

/**
 * How late the API's event loop is, by its own measure in /metrics, over all of: 64 agents that beat, 200 queued runs
 * whose layers are to be split, the upload of 2 GiB of weights, and the most costly documents that it takes.
 */
export async function benchLoopDelay(): Promise<Record<string, Measurement>> {
  const cluster = await LiveCluster.start({ agents: 0, environment: { MILLRACE_LEASE_MS: '15000' } });
  const agents = new SimulatedAgents({ ...cluster.endpoint, count: AGENTS, heartbeatMs: HEARTBEAT_MS });
  try {
    await createSmallDataset(cluster.client);
    await agents.connected();
    // What starting took is not meant.
    await pause(LOOK_BACK_MS);
    const startedMs = performance.now();
    const before = await turns(cluster);
    const worst: LoopDelays = { p99Ms: 0, maxMs: 0 };
    const looks = new Repeated(() => look(cluster, worst), LOOK_EVERY_MS);
    const documents = new Repeated(() => postDocuments(cluster), DOCUMENTS_EVERY_MS);
    const questions = new Repeated(() => askForLargestPlan(cluster), DOCUMENTS_EVERY_MS);
    const [uploadedBytes] = await Promise.all([uploadModel(cluster.endpoint), submitRuns(cluster)]);
    const posted = await documents.stop();
    const asked = await questions.stop();
    const seconds = (performance.now() - startedMs) / 1000;
    await looks.stop();
    await look(cluster, worst);
    const after = await turns(cluster);
    const by = {
      how: 'nodejs_eventloop_lag of /metrics, which looks back for a minute: the worst of all looks',
      ...{
        agents: AGENTS,
        queuedRuns: QUEUED_RUNS,
        documents: posted * WORST_DOCUMENTS.length,
        largestPlans: asked,
        uploadedBytes,
        seconds,
        turns: after.all - before.all,
        laterThan250Ms: after.late - before.late,
        ofThoseByItsOwnWork: after.ownLate - before.ownLate,
      },
    };
    const row = (ours: number): Measurement => ({ ours, peer: null, ratio: null, unit: 'ms', by });
    return { api_loop_delay_p99_ms: row(worst.p99Ms), api_loop_delay_max_ms: row(worst.maxMs) };
  } finally {
    agents.stop();
    await cluster.stop();
  }
}

/** Does something again and again, each time after a pause, until it is stopped. */
class Repeated {
  private stopped = false;
  private readonly done: Promise<number>;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly pauseMs: number,
  ) {
    this.done = this.run();
  }

  /** @returns how often it was done */
  async stop(): Promise<number> {
    this.stopped = true;
    return this.done;
  }

  private async run(): Promise<number> {
    let count = 0;
    for (; !this.stopped; count++) {
      await this.work();
      await pause(this.pauseMs);
    }
    return count;
  }
}

async function submitRuns(cluster: LiveCluster): Promise<void> {
  for (let index = 0; index < QUEUED_RUNS; index++)
    await post(cluster, '/runs', { type: 'application/json', body: JSON.stringify(autoRun('small', index)) });
}

async function postDocuments(cluster: LiveCluster): Promise<void> {
  for (const document of WORST_DOCUMENTS) await post(cluster, '/runs', document);
}

async function askForLargestPlan(cluster: LiveCluster): Promise<void> {
  const largest = JSON.stringify(largestSchedule('small'));
  await post(cluster, '/runs?dryRun=true', { type: 'application/json', body: largest });
}

/** Whatever the API says of it: most of these documents are no runs. */
async function post({ endpoint }: LiveCluster, path: string, { type, body }: PostedDocument): Promise<void> {
  const headers = { authorization: `Bearer ${endpoint.token}`, 'content-type': type };
  const response = await fetch(`${endpoint.http}/api/v1${path}`, { method: 'POST', headers, body });
  const text = await response.text();
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
}

interface LoopDelays {
  p99Ms: number;
  maxMs: number;
}

async function look(cluster: LiveCluster, worst: LoopDelays): Promise<void> {
  const value = await metrics(cluster);
  worst.p99Ms = Math.max(worst.p99Ms, 1000 * value('nodejs_eventloop_lag_p99_seconds'));
  worst.maxMs = Math.max(worst.maxMs, 1000 * value('nodejs_eventloop_lag_max_seconds'));
}

/** Turns of the loop since the API started; late ones, and those that are late though it had a processor. */
async function turns(cluster: LiveCluster): Promise<{ all: number; late: number; ownLate: number }> {
  const value = await metrics(cluster);
  const late = (name: string): number => value(`${name}_count`) - value(`${name}_bucket{le="0.25"}`);
  return {
    all: value('millrace_event_loop_delay_seconds_count'),
    late: late('millrace_event_loop_delay_seconds'),
    ownLate: late('millrace_event_loop_own_delay_seconds'),
  };
}

async function metrics({ endpoint }: LiveCluster): Promise<(name: string) => number> {
  const headers = { authorization: `Bearer ${endpoint.token}` };
  const lines = (await (await fetch(`${endpoint.http}/metrics`, { headers })).text()).split('\n');
  return (name) => Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
