import { expect, it } from 'vitest';
import { makeSchedule } from '../schedule/make-schedule';
import { parseCsv } from '../text/csv';
import { assignSlots } from './assign-slots';
import { lowerSchedule } from './lower-schedule';

it('gives each stage as many slots as it has micro-batches in flight', () => {
  const slots = assignSlots(lowerSchedule(makeSchedule({ name: '1f1b', ranks: 2, microBatches: 4 })));
  expect(slots).toEqual([
    { count: 2, slotOf: [0, 1, 0, 1] },
    { count: 1, slotOf: [0, 0, 0, 0] },
  ]);
});

it('never gives a slot to two micro-batches at once, even where F do not ascend', () => {
  const slots = assignSlots(parseCsv('0F1,0F0,0B0,0F2,0B1,0B2\n'));
  expect(slots).toEqual([{ count: 2, slotOf: [1, 0, 1] }]);
});
