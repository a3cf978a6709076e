import { join } from 'node:path';
import { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { runNode } from './child';
import { type BenchModel, benchSpec, makeDataset, tokensPerSecond } from './cluster-run';
import { type Measurement, median } from './measurement';
import { PEERS } from './paths';

const ROUNDS = 3;
const OUR_STEPS = 30;

interface PeerResult {
  readonly tokensPerSecond: number;
  readonly lossFirst: number;
  readonly lossLast: number;
}

interface Training {
  readonly model: BenchModel;
  readonly batch: number;
}

interface Contest {
  readonly ours: readonly Training[];
  /** Programs of bench/peers, which train the first of `ours`. */
  readonly peers: readonly string[];
  readonly peerSteps: number;
}

interface Outcome {
  /** Tokens per second of every turn, in the order of the contest. */
  readonly ours: readonly number[][];
  readonly peers: readonly PeerResult[][];
}

/** Training tokens/s of one agent, in its cluster, and of peers with the same model on the same adapter, in turns. */
async function compete({ ours, peers, peerSteps }: Contest): Promise<Outcome> {
  const outcome = { ours: ours.map((): number[] => []), peers: peers.map((): PeerResult[] => []) };
  const [{ model, batch }] = ours as [Training];
  const { layers, heads, width, context, vocabulary } = model;
  const cluster = await LiveCluster.start({ agents: 1, environment: { MILLRACE_CPU_THREADS: undefined } });
  try {
    await makeDataset(cluster, 'chain', model);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, training] of ours.entries()) {
        const spec = benchSpec(`train-${index}-${round}`, 'chain', {
          model: training.model,
          batch: { global: training.batch, micro: training.batch },
          pp: 1,
          steps: OUR_STEPS,
        });
        const { id } = await cluster.client.submitRun(spec);
        outcome.ours[index]?.push(await tokensPerSecond(cluster, id));
      }
      for (const [index, peer] of peers.entries()) {
        const sizes = [peerSteps, layers, heads, width, context, batch, vocabulary];
        outcome.peers[index]?.push(await runNode(join(PEERS, peer), sizes));
      }
    }
    return outcome;
  } finally {
    await cluster.stop();
  }
}

function speedBeside({ model, batch }: Training, ours: readonly number[], peer: readonly PeerResult[]): Measurement {
  const [a, b] = [median(ours), median(peer.map((result) => result.tokensPerSecond))];
  const how = `GPT-2 ${JSON.stringify(model)}, batch ${batch}, f32; median step of each run, median of ${ROUNDS} turns`;
  return { ours: a, peer: b, ratio: a / b, unit: 'tokens/s', by: { how, ours, peer } };
}

/** At context 64, where the products are most of a step. */
export async function benchTrain(): Promise<Measurement> {
  const model: BenchModel = { layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65 };
  const training = { model, batch: 12 };
  const { ours, peers } = await compete({ ours: [training], peers: ['tfjs-gpt.mjs'], peerSteps: 10 });
  return speedBeside(training, ours[0] ?? [], peers[0] ?? []);
}

/**
 * At context 256, where attention counts: GPT-2 beside tfjs and @genai-fi/nanogpt, and beside our own GPT-2 a Llama
 * with as many weights, whose feed-forward of three matrices is two thirds as wide.
 */
export async function benchTrainAt256(): Promise<Record<string, Measurement>> {
  const model: BenchModel = { layers: 4, heads: 4, width: 128, context: 256, vocabulary: 65 };
  const training = { model, batch: 4 };
  const llama: BenchModel = { ...model, family: 'llama', ffn: 344 };
  const { ours, peers } = await compete({
    ours: [training, { model: llama, batch: 4 }],
    peers: ['tfjs-gpt.mjs', 'nanogpt-gpt.mjs'],
    peerSteps: 7,
  });
  const [gpt2 = [], llamaRuns = []] = ours;
  const [a, b] = [median(llamaRuns), median(gpt2)];
  const how = `Llama ${JSON.stringify(llama)} beside GPT-2 ${JSON.stringify(model)}, batch 4, f32; medians as above`;
  return {
    train_tokens_vs_tfjs_256: speedBeside(training, gpt2, peers[0] ?? []),
    train_tokens_vs_nanogpt_256: speedBeside(training, gpt2, peers[1] ?? []),
    llama_vs_gpt2_256: { ours: a, peer: b, ratio: a / b, unit: 'tokens/s', by: { how, ours: llamaRuns, peer: gpt2 } },
  };
}
