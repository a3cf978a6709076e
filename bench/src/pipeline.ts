import { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { type BenchModel, benchSpec, makeDataset, tokensPerSecond } from './cluster-run';
import { type Measurement, median } from './measurement';

const MODEL: BenchModel = { layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65 };
const MICRO = 4;
const MICRO_BATCHES = 8;
const STEPS = 20;
const ROUNDS = 3;

/**
 * Tokens/s of two stages beside what two processes that each train the whole model do together, one driver thread each.
 * The 1F1B bubble leaves m / (m + p - 1) = 8/9 of it; the rest that is missing is the price of transfers and waits.
 */
export async function benchPipeline(): Promise<{ efficiency: Measurement; heartbeat: Measurement }> {
  const cluster = await LiveCluster.start({ agents: 2, environment: { MILLRACE_CPU_THREADS: '1' } });
  try {
    await makeDataset(cluster, 'chain', MODEL);
    const batch = { global: MICRO * MICRO_BATCHES, micro: MICRO };
    const submit = async (name: string, pp: number): Promise<string> =>
      (await cluster.client.submitRun(benchSpec(name, 'chain', { model: MODEL, batch, pp, steps: STEPS }))).id;
    const pipelined: number[] = [];
    const together: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      pipelined.push(await tokensPerSecond(cluster, await submit(`pp2-${round}`, 2)));
      const alone = [await submit(`alone-a-${round}`, 1), await submit(`alone-b-${round}`, 1)];
      const speeds = await Promise.all(alone.map((id) => tokensPerSecond(cluster, id)));
      together.push(speeds.reduce((a, b) => a + b, 0));
    }
    const [ours, both] = [median(pipelined), median(together)];
    const bound = (both * MICRO_BATCHES) / (MICRO_BATCHES + 1);
    const how = `pp 2, m = ${MICRO_BATCHES}, one driver thread per agent; peer = 8/9 of two whole-model runs at once; median of ${ROUNDS} turns`;
    const efficiency = { ours, peer: bound, ratio: ours / bound, unit: 'tokens/s', by: { how, pipelined, together } };
    return { efficiency, heartbeat: await heartbeatLateness(cluster) };
  } finally {
    await cluster.stop();
  }
}

/** 99th percentile of how late the agents' heartbeat timers fired during all of these runs, from the API's histogram. */
async function heartbeatLateness(cluster: LiveCluster): Promise<Measurement> {
  const text = await (await fetch(`${cluster.endpoint.http}/metrics`)).text();
  const buckets = [...text.matchAll(/^millrace_agent_heartbeat_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)].map(
    ([, bound, count]) => ({ bound: Number(bound === '+Inf' ? 'Infinity' : bound), count: Number(count) }),
  );
  const total = buckets.at(-1)?.count ?? 0;
  const bound = buckets.find(({ count }) => count >= 0.99 * total)?.bound ?? Number.POSITIVE_INFINITY;
  const how = `upper bound of the bucket that holds the 99th percentile of ${total} heartbeats of two agents while training`;
  return { ours: bound * 1000, peer: null, ratio: null, unit: 'ms', by: { how, buckets } };
}
