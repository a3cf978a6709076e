import { notLowered } from '../pipeline.errors';
import type { Schedule } from '../schedule/schedule';
import { type BufferBound, bufferBounds } from './buffer-bound';
import { checkCompute } from './check-compute';
import { checkTransfers } from './check-transfers';
import { firstBeyondLimit, type PeakMicroBatches, peakMicroBatches } from './in-flight';
import { bufferExceeded, deadlock } from './proof.errors';
import { walkSchedule } from './walk-schedule';

export interface ScheduleProof {
  readonly peakMicroBatches: PeakMicroBatches;
  /** Per channel between ranks, the most tensors under way. */
  readonly bufferBounds: readonly BufferBound[];
}

/**
 * Proves a lowered schedule before anything runs: each micro-batch F, I, W once per stage and W ascending; every send
 * one receive, in order; saved tensors within `inFlightLimit`; no deadlock with links that hold nothing and with links
 * that hold everything. Throws PIPELINE.* naming the first cell that breaks a rule.
 */
export function proveSchedule(lowered: Schedule): ScheduleProof {
  if (!lowered.lowered) throw notLowered(lowered.name);
  checkCompute(lowered);
  checkTransfers(lowered);
  const beyond = firstBeyondLimit(lowered);
  if (beyond !== undefined) throw bufferExceeded(lowered, beyond);
  for (const semantics of ['buffered', 'rendezvous'] as const) {
    const stuck = walkSchedule(lowered, semantics);
    if (stuck.length > 0) throw deadlock(lowered, semantics, stuck);
  }
  return { peakMicroBatches: peakMicroBatches(lowered), bufferBounds: bufferBounds(lowered) };
}
