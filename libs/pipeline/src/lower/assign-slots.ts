import { assert } from '@millrace/core';
import type { Schedule } from '../schedule/schedule';

/** Where each micro-batch of a stage keeps its tensors from its F to its W. */
export interface StageSlots {
  /** The stage's most micro-batches in flight. */
  readonly count: number;
  /** Slot of each micro-batch, 0 .. count-1. */
  readonly slotOf: readonly number[];
}

/**
 * Per stage: the lowest slot that is free when F begins, free again after W. So the slots of a stage are exactly as
 * many as it ever has micro-batches in flight, in whatever order its F and W stand.
 */
export function assignSlots(schedule: Schedule): StageSlots[] {
  const stages = Array.from({ length: schedule.stages }, () => ({ taken: [] as boolean[], slotOf: [] as number[] }));
  for (const { kind, stage, microBatch } of schedule.actions.flat()) {
    const slots = stages[stage];
    assert(slots !== undefined, `no stage ${stage}`);
    if (kind === 'F') {
      const free = slots.taken.findIndex((taken) => !taken);
      const slot = free < 0 ? slots.taken.length : free;
      slots.taken[slot] = true;
      slots.slotOf[microBatch] = slot;
    }
    if (kind === 'W' || kind === 'B') slots.taken[slots.slotOf[microBatch] ?? 0] = false;
  }
  return stages.map(({ taken, slotOf }) => ({ count: taken.length, slotOf }));
}
