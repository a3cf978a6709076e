import { notLowered } from '../pipeline.errors';
import type { Schedule } from '../schedule/schedule';
import { type BufferBound, bufferBounds } from './buffer-bound';
import { checkCompute } from './check-compute';
import { checkLocal } from './check-local';
import { checkTransfers } from './check-transfers';
import { firstBeyondLimit, type PeakMicroBatches, peakMicroBatches } from './in-flight';
import { indexRows } from './indexed-row';
import { linkSlots } from './link-slots';
import { bufferExceeded, deadlock } from './proof.errors';
import { walkSchedule } from './walk-schedule';

export interface ScheduleProof {
  readonly peakMicroBatches: PeakMicroBatches;
  /** For each channel between ranks, the most tensors under way. */
  readonly bufferBounds: readonly BufferBound[];
  /** The fewest tensors that each link must hold so that no timing deadlocks; 0 means that links need not hold any. */
  readonly linkSlots: number;
}

/**
 * Proves a lowered schedule before anything runs: each micro-batch has F, I, W once per stage, and the W ascend; every
 * send has one receive, in order; every local hand-over is in its place; saved tensors stay within `inFlightLimit`; and
 * links of `linkSlotsLimit` tensors never deadlock, whatever the timing. Throws PIPELINE.*, which names the first cell
 * that breaks a rule.
 */
export function proveSchedule(lowered: Schedule): ScheduleProof {
  if (!lowered.lowered) throw notLowered(lowered.name);
  const rows = indexRows(lowered);
  checkCompute(rows);
  checkTransfers(rows);
  checkLocal(rows);
  const beyond = firstBeyondLimit(lowered);
  if (beyond !== undefined) throw bufferExceeded(lowered, beyond);
  for (const slots of [Infinity, lowered.linkSlotsLimit]) {
    const stuck = walkSchedule(lowered, slots);
    if (stuck.length > 0) throw deadlock(lowered, slots, stuck);
  }
  return {
    peakMicroBatches: peakMicroBatches(lowered),
    bufferBounds: bufferBounds(lowered),
    linkSlots: linkSlots(lowered),
  };
}
