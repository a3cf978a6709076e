import type { Precision } from '@millrace/core';
import { type AttemptPlan, modelConfigOf, type RunSpecInput, runSpecSchema } from '@millrace/contracts';
import { defaultChunks, partitionLayers, type ScheduleName } from '@millrace/pipeline';

export interface PlanOptions {
  readonly ranks?: number;
  readonly schedule?: ScheduleName;
  /** The schedule's own when absent. */
  readonly chunks?: number;
  /** Layers of each virtual stage; even when absent. */
  readonly partition?: readonly number[];
  readonly recompute?: 'none' | 'selective' | 'full';
  readonly verticalSync?: boolean;
  readonly steps?: number;
  readonly tied?: boolean;
  readonly microBatches?: number;
  readonly train?: Record<string, unknown>;
  readonly tokens?: number;
  /** The fraction of tokens that is not trained on. */
  readonly validation?: number;
  /** Sizes other than the usual ones. */
  readonly model?: Partial<RunSpecInput['model']>;
  /** Sequences of a micro-batch. */
  readonly micro?: number;
  /** As `parallel.optimisticStep`. */
  readonly optimisticStep?: boolean;
  /** As `parallel.wire`. */
  readonly wire?: Precision;
  /** As `train.precision`. */
  readonly precision?: Precision;
}

/** Odd sizes on purpose: nothing divides anything. */
const VOCAB = 23;
const MODEL = { family: 'gpt2' as const, layers: 4, heads: 2, hidden: 10, ffn: 33, context: 7 };

/** A small attempt of a fresh run, for rank 0; give `{...plan, rank}` to the others. */
export function attemptPlan(options: PlanOptions = {}): AttemptPlan {
  const { ranks = 1, schedule = '1f1b', recompute = 'none', steps = 4 } = options;
  const { tied = true, microBatches = 4, train = {}, tokens = 2000, validation = 0.1 } = options;
  const { micro = 2, optimisticStep = true, verticalSync = false, wire = 'f32', precision = 'f32' } = options;
  const { model: { ...sizes } = {} } = options;
  const layers = sizes.layers ?? MODEL.layers;
  const { chunks = defaultChunks(schedule), partition = partitionLayers(layers, ranks * chunks) } = options;
  const spec = runSpecSchema.parse({
    name: 'test',
    model: { ...MODEL, tieEmbeddings: tied, ...sizes },
    data: { dataset: 'test', validation },
    train: {
      steps,
      batch: { global: micro * microBatches, micro },
      optimizer: { type: 'adamw', lr: 0.01, weightDecay: 0.1 },
      lr: { schedule: 'cosine', warmup: 2 },
      clip: 0.5,
      seed: 42,
      evalEvery: 2,
      evalBatches: 2,
      precision,
      ...train,
    },
    parallel: { pp: ranks, schedule, recompute, chunks, optimisticStep, verticalSync, wire },
  });
  let firstLayer = 0;
  const stages = partition.map((layerCount, index) => {
    const slice = { firstLayer, layerCount, embedding: index === 0, head: index === partition.length - 1 };
    firstLayer += layerCount;
    return slice;
  });
  return {
    runId: 'run_test',
    fence: 1,
    rank: 0,
    dataKey: 'k'.repeat(64),
    spec,
    model: modelConfigOf(spec, typeof sizes.vocab === 'number' ? sizes.vocab : VOCAB),
    stages,
    peers: Array.from({ length: ranks }, (_, rank) => ({
      rank,
      agentId: `agent_${rank}`,
      address: `127.0.0.1:${rank + 1}`,
    })),
    dataset: { sha256: 'a'.repeat(64), bytes: 2 * tokens, dtype: 'u16', tokens },
    resume: { from: 'random' },
    firstStep: 1,
    lastStep: steps,
  };
}

/** Tokens with some structure, so that the loss falls. */
export const patternTokens = {
  read: (offset: number, count: number): Uint32Array =>
    Uint32Array.from({ length: count }, (_, index) => ((offset + index) * 7 + Math.floor((offset + index) / 5)) % 23),
};
