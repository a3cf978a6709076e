import type { Action, ActionKind } from '../action';
import { doubleBufferWarmUp } from '../kinds/recipes';
import type { WeightUpdates } from '../schedule';

export interface FlushlessShape {
  readonly updates: WeightUpdates;
  /** p */
  readonly ranks: number;
  readonly rank: number;
}

/**
 * Whether the run goes on after that many updates. It is asked once for each, ascending, before the next one's first F.
 */
export type GoesOn = (update: number) => Promise<boolean> | boolean;

/** How many forwards a rank runs ahead of its backwards: the micro-batches in flight between two of its updates. */
export function flushlessWarmUp({ updates, ranks, rank }: FlushlessShape): number {
  if (updates.mode === 'double-buffer') return doubleBufferWarmUp(rank, { ranks, updateSize: updates.microBatches });
  return ranks - rank - 1;
}

/**
 * A rank's row of a run without a flush, action by action: the lowered schedule of the whole run, but of any length,
 * without its list, and with an end that is decided while it runs. With warm-up w and j = k - w, slot k is
 *
 *   [RECV_F k] F k [SEND_F k]   and from k = w on   [RECV_B j] I j [SEND_B j] W j [STEP j]
 *
 * and after the last forward the last w backwards follow. Micro-batches count from that of update `first` on: after
 * any update exactly the next w micro-batches are in flight, so a run that goes on from there and does their forwards
 * again has the row of a new one.
 */
export async function* flushlessRow(shape: FlushlessShape, first: number, goesOn: GoesOn): AsyncGenerator<Action> {
  const size = shape.updates.microBatches;
  const warmUp = flushlessWarmUp(shape);
  let forward = first * size;
  let backward = forward;
  for (let more = true; more; forward++) {
    const filling = forward - backward < warmUp;
    yield* forwardCell(shape, forward, filling ? undefined : backward);
    if (!filling) yield* backwardCell(shape, backward++);
    const next = forward + 1;
    more = next % size !== 0 || (await goesOn(next / size));
  }
  while (backward < forward) {
    if (shape.rank < shape.ranks - 1) yield action(shape, 'RECV_B', backward);
    yield* backwardCell(shape, backward++);
  }
}

/**
 * If the next rank makes something before it takes this rank's tensor, that is received before this tensor is sent, as
 * in lowering, so that the row is right on links that hold nothing, too. Only a run that ends within its warm-up asks
 * for less and sends first.
 */
function* forwardCell(shape: FlushlessShape, microBatch: number, backward: number | undefined): Generator<Action> {
  const { rank, ranks } = shape;
  const isLast = rank === ranks - 1;
  if (rank > 0) yield action(shape, 'RECV_F', microBatch);
  yield action(shape, 'F', microBatch);
  if (isLast) return;
  const receivesFirst = flushlessWarmUp({ ...shape, rank: rank + 1 }) < flushlessWarmUp(shape);
  if (backward !== undefined && receivesFirst) yield action(shape, 'RECV_B', backward);
  yield action(shape, 'SEND_F', microBatch);
  if (backward !== undefined && !receivesFirst) yield action(shape, 'RECV_B', backward);
}

function* backwardCell(shape: FlushlessShape, microBatch: number): Generator<Action> {
  yield action(shape, 'I', microBatch);
  if (shape.rank > 0) yield action(shape, 'SEND_B', microBatch);
  yield action(shape, 'W', microBatch);
  if ((microBatch + 1) % shape.updates.microBatches === 0) yield action(shape, 'STEP', microBatch);
}

function action({ rank }: FlushlessShape, kind: ActionKind, microBatch: number): Action {
  return { kind, stage: rank, microBatch };
}
