import type { Action } from '../action';
import { loopPlacement, type Placement, veePlacement } from '../placement';
import type { ScheduleName, WeightUpdates } from '../schedule';
import { dualPipeV } from './dualpipe-v';
import { gpipe } from './gpipe';
import { interleaved, interleavedWarmUp } from './interleaved';
import { alternate, oneFOneB } from './one-f-one-b';
import type { ScheduleShape } from './shape';
import { zeroBubbleH1, zeroBubbleH2 } from './zero-bubble-h';
import { zeroBubbleV } from './zero-bubble-v';

/** What distinguishes one schedule; everything else is common to all. */
export interface Recipe {
  /** The number of chunks: one fixed number, or any with this default. */
  readonly chunks: { readonly fixed: number } | { readonly default: number };
  readonly mode: WeightUpdates['mode'];
  /** Ranks end a step at different times, so that an optimizer step without a barrier gains something. */
  readonly optimistic?: true;
  /** The planner tells what it would gain over another schedule of one chunk, to the same bits. */
  readonly advised?: true;
  /** Micro-batches go through a chunk in groups, whose size may be chosen. */
  readonly grouped?: true;
  /** All stages may be made to take one version of the weights for a micro-batch. */
  readonly verticalSync?: true;
  placement(ranks: number, chunks: number): Placement;
  /** The compute actions of one rank. */
  actions(rank: number, shape: ScheduleShape): Action[];
  /** The order of actions is made for this many micro-batches, at least m; those beyond m are removed from it. */
  fullMicroBatches?(shape: ScheduleShape): number;
  /** The formula for the most (stage, micro-batch) pairs between F and W on a rank, if m were unlimited. */
  inFlight(rank: number, shape: ScheduleShape): number;
  /** How many tensors a link from rank to rank must hold so that no timing deadlocks; 0 if absent. */
  linkSlots?(shape: ScheduleShape): number;
}

const ONE_CHUNK = { chunks: { fixed: 1 }, mode: 'flush', placement: loopPlacement } as const;
const LOOPED = { mode: 'flush', placement: loopPlacement } as const;
const VEE = { chunks: { fixed: 2 }, mode: 'flush', placement: veePlacement } as const;

export const RECIPES: Readonly<Record<ScheduleName, Recipe>> = {
  gpipe: { ...ONE_CHUNK, advised: true, actions: gpipe, inFlight: (_rank, { microBatches }) => microBatches },
  '1f1b': { ...ONE_CHUNK, advised: true, actions: oneFOneB, inFlight: (rank, { ranks }) => ranks - rank },
  interleaved: {
    ...LOOPED,
    chunks: { default: 2 },
    grouped: true,
    actions: interleaved,
    fullMicroBatches: ({ groupSize, microBatches }) => Math.ceil(microBatches / groupSize) * groupSize,
    linkSlots: ({ groupSize, ranks }) => groupSize - ranks + 2,
    inFlight: (rank, shape) => interleavedWarmUp(rank, shape) + 1,
  },
  'looped-bfs': {
    ...LOOPED,
    chunks: { default: 1 },
    actions: gpipe,
    inFlight: (_rank, { microBatches, chunks }) => microBatches * chunks,
    // The last rank has passed many micro-batches through chunk 0 before the first rank begins chunk 1.
    linkSlots: ({ microBatches, chunks }) => (chunks === 1 ? 0 : microBatches),
  },
  'zb-h1': { ...ONE_CHUNK, advised: true, actions: zeroBubbleH1, inFlight: (_rank, { ranks }) => ranks },
  'zb-h2': {
    ...ONE_CHUNK,
    advised: true,
    optimistic: true,
    actions: zeroBubbleH2,
    inFlight: (_rank, { ranks }) => 2 * ranks - 1,
    linkSlots: () => 1,
  },
  'zb-v': {
    ...VEE,
    optimistic: true,
    actions: zeroBubbleV,
    fullMicroBatches: ({ ranks, microBatches }) => Math.max(microBatches, 2 * ranks - 1),
    linkSlots: () => 2,
    inFlight: (_rank, { ranks }) => 2 * ranks,
  },
  'dualpipe-v': {
    ...VEE,
    optimistic: true,
    actions: dualPipeV,
    fullMicroBatches: ({ ranks, microBatches }) => Math.max(microBatches, 2 * ranks),
    linkSlots: () => 2,
    inFlight: (_rank, { ranks }) => 2 * ranks + 1,
  },
  pipedream: {
    ...ONE_CHUNK,
    mode: 'stash',
    verticalSync: true,
    actions: oneFOneB,
    inFlight: (rank, { ranks }) => ranks - rank,
  },
  'pipedream-2bw': {
    ...ONE_CHUNK,
    mode: 'double-buffer',
    // A rank runs ahead by no more than an update's micro-batches: the update after the next would need a third
    // version.
    actions: (rank, shape) =>
      alternate({ stage: rank, microBatches: shape.microBatches, warmUp: doubleBufferWarmUp(rank, shape) }),
    inFlight: (rank, shape) => doubleBufferWarmUp(rank, shape) + 1,
  },
};

export function doubleBufferWarmUp(
  rank: number,
  { ranks, updateSize }: Pick<ScheduleShape, 'ranks' | 'updateSize'>,
): number {
  return Math.min(ranks - rank - 1, updateSize);
}
