import { transferOf } from '../../lower/transfer';
import { cutImpossible } from '../../pipeline.errors';
import type { Action } from '../action';
import type { Schedule } from '../schedule';

/** The position of every rank when it has done one and the same update, with everything that is then under way. */
export interface AsynchronousCut {
  /** The number of updates done on every rank. */
  readonly version: number;
  /** Per rank, the position in its list of the first action after the cut. */
  readonly positions: readonly number[];
  /** Per rank, the micro-batches between their F and their W, ascending; each keeps the version of its F. */
  readonly inFlight: readonly (readonly number[])[];
  /** Sends before the cut whose receives stand after it: their tensors belong to the checkpoint too. */
  readonly underWay: readonly Action[];
}

/**
 * The state of a lowered schedule that does not flush, after `version` updates of every rank: what a checkpoint holds
 * that is taken without draining. Each rank goes on at its position. Throws PIPELINE.CUT_IMPOSSIBLE.
 */
export function asynchronousCut(lowered: Schedule, version: number): AsynchronousCut {
  const last = version * lowered.updates.microBatches - 1;
  const positions = lowered.actions.map((row) =>
    version === 0 ? 0 : 1 + row.findIndex(({ kind, microBatch }) => kind === 'STEP' && microBatch === last),
  );
  const whole = Number.isInteger(version) && version >= 0;
  if (!whole || lowered.updates.mode === 'flush' || (version > 0 && positions.includes(0))) {
    throw cutImpossible(lowered.name, version);
  }
  const before = lowered.actions.map((row, rank) => row.slice(0, positions[rank]));
  return { version, positions, inFlight: before.map(inFlightAfter), underWay: underWayAfter(before) };
}

function inFlightAfter(row: readonly Action[]): number[] {
  const begun = new Set<number>();
  for (const { kind, microBatch } of row) {
    if (kind === 'F') begun.add(microBatch);
    if (kind === 'W') begun.delete(microBatch);
  }
  return [...begun].sort((a, b) => a - b);
}

function underWayAfter(rows: readonly (readonly Action[])[]): Action[] {
  const received = new Set<string>();
  for (const action of rows.flat()) {
    const transfer = transferOf(action);
    if (transfer?.isSend === false) received.add(transfer.key);
  }
  return rows.flat().filter((action) => {
    const transfer = transferOf(action);
    return transfer?.isSend === true && !received.has(transfer.key);
  });
}
