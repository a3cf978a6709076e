import { join } from 'node:path';
import { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { runNode } from './child';
import { type BenchModel, benchSpec, makeDataset, tokensPerSecond } from './cluster-run';
import { type Measurement, median } from './measurement';
import { PEERS } from './paths';

const MODEL: BenchModel = { layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65 };
const BATCH = 12;
const ROUNDS = 3;
const OUR_STEPS = 30;
const PEER_STEPS = 10;

interface PeerResult {
  readonly tokensPerSecond: number;
  readonly lossFirst: number;
  readonly lossLast: number;
}

/** Training tokens/s of one agent, in its cluster, beside tfjs with the same model on the same adapter, in turns. */
export async function benchTrain(): Promise<Measurement> {
  const cluster = await LiveCluster.start({ agents: 1, environment: { MILLRACE_CPU_THREADS: undefined } });
  try {
    await makeDataset(cluster, 'chain', MODEL);
    const ours: number[] = [];
    const peer: PeerResult[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const spec = benchSpec(`train-${round}`, 'chain', {
        model: MODEL,
        batch: { global: BATCH, micro: BATCH },
        pp: 1,
        steps: OUR_STEPS,
      });
      const { id } = await cluster.client.submitRun(spec);
      ours.push(await tokensPerSecond(cluster, id));
      const { layers, heads, width, context, vocabulary } = MODEL;
      peer.push(
        await runNode(join(PEERS, 'tfjs-gpt.mjs'), [PEER_STEPS, layers, heads, width, context, BATCH, vocabulary]),
      );
    }
    const [a, b] = [median(ours), median(peer.map((result) => result.tokensPerSecond))];
    const how = `GPT-2 ${JSON.stringify(MODEL)}, batch ${BATCH}, f32; median step of each run, median of ${ROUNDS} turns`;
    return { ours: a, peer: b, ratio: a / b, unit: 'tokens/s', by: { how, ours, peer } };
  } finally {
    await cluster.stop();
  }
}
