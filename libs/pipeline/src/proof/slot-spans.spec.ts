import { describe, expect, it } from 'vitest';
import { executionSchedule } from '../execution-schedule';
import { slotSpans } from './slot-spans';

describe('slotSpans', () => {
  it('is the peak of the schedule where micro-batches are taken in ascending order; backward one at a time', () => {
    for (const name of ['1f1b', 'gpipe'] as const) {
      const { schedule, proof } = executionSchedule({ name, ranks: 3, microBatches: 5, chunks: 1 });
      expect(slotSpans(schedule)).toEqual({
        fromForward: proof.peakMicroBatches.untilWeight,
        fromInput: [1, 1, 1],
      });
    }
  });

  it('counts from the least to the most micro-batch where their order is another one, until the gradient has left', () => {
    const { schedule } = executionSchedule({ name: 'gpipe', ranks: 2, microBatches: 4, chunks: 1 });
    const action = (text: string): (typeof schedule.actions)[number][number] => {
      const [kind, microBatch] = text.split(' ') as ['F', string];
      return { kind, stage: 1, microBatch: Number(microBatch) };
    };
    const list = ['F 0', 'F 3', 'I 3', 'W 3', 'F 1', 'I 0', 'W 0', 'I 1', 'SEND_B 0', 'W 1'].map(action);
    const { fromForward, fromInput } = slotSpans({ ...schedule, actions: [schedule.actions[0] ?? [], list] });
    expect(fromForward[1]).toBe(4);
    expect(fromInput[1]).toBe(2);
  });
});
