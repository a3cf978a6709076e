import type { RunSpecInput } from '@millrace/contracts';
import type { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { median } from './measurement';

export interface BenchModel {
  /** gpt2 without it. */
  readonly family?: 'gpt2' | 'llama';
  /** Four times the width without it. */
  readonly ffn?: number;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly context: number;
  readonly vocabulary: number;
}

interface BenchRun {
  readonly model: BenchModel;
  readonly batch: { readonly global: number; readonly micro: number };
  readonly pp: number;
  readonly steps: number;
}

/** Steps left out at the start of a run: compiling and filling caches. */
const WARM_UP_STEPS = 3;

/** The noisy chain of tokens that the tfjs program trains on too. */
export async function makeDataset(cluster: LiveCluster, name: string, { vocabulary }: BenchModel): Promise<void> {
  const count = 200_000;
  const tokens = new Uint16Array(count);
  let state = 42;
  let token = 0;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
  for (let index = 0; index < count; index++) {
    token = uniform() < 0.8 ? (token * 7 + 3) % vocabulary : Math.floor(uniform() * vocabulary);
    tokens[index] = token;
  }
  tokens[0] = vocabulary - 1;
  await cluster.client.createDataset({
    name,
    contentType: 'application/x-tokens-u16',
    body: new Uint8Array(tokens.buffer),
  });
}

export function benchSpec(name: string, dataset: string, { model, batch, pp, steps }: BenchRun): RunSpecInput {
  return {
    name,
    model: {
      family: model.family ?? 'gpt2',
      ...(model.ffn === undefined ? {} : { ffn: model.ffn }),
      layers: model.layers,
      heads: model.heads,
      hidden: model.width,
      context: model.context,
      vocab: model.vocabulary,
    },
    data: { dataset },
    train: { steps, batch: { ...batch }, optimizer: { type: 'adamw', lr: 1e-3, betas: [0.9, 0.95] }, clip: 1 },
    parallel: { pp },
  };
}

/** Median tokens per second of a run's steps after the first few, once the run has succeeded. */
export async function tokensPerSecond(cluster: LiveCluster, runId: string): Promise<number> {
  await cluster.untilRun(runId, ['succeeded'], 600_000);
  const points = await cluster.metric(runId, 'train/tokens_per_second');
  return median(points.filter(({ step }) => step > WARM_UP_STEPS).map(({ value }) => value));
}
