import { SCHEDULE_NAMES } from '@millrace/pipeline';
import { describe, expect, it } from 'vitest';
import { scheduleRows } from '../../gantt/schedule-rows';
import { drawSchedule } from './draw-schedule';
import { readScheduleSearch } from './schedule-search';

describe('the schedules page', () => {
  it('draws every schedule that is known', () => {
    for (const name of SCHEDULE_NAMES) {
      const drawn = drawSchedule(readScheduleSearch({ name, p: 4, m: 8 }));
      expect(typeof drawn, name).toBe('object');
      if (typeof drawn === 'string') continue;
      expect(scheduleRows(drawn.schedule, drawn.simulation)).toHaveLength(4);
      expect(drawn.simulation.stepTime).toBeGreaterThan(0);
    }
  });

  it('gives the bubble of the literature for 1F1B: (p-1)/(m+p-1) of total with F = B', () => {
    const drawn = drawSchedule(readScheduleSearch({ name: '1f1b', p: 4, m: 8, times: '2,1,1' }));
    expect(typeof drawn === 'string' ? NaN : drawn.simulation.bubbleOfTotal).toBeCloseTo(3 / 11, 12);
  });

  it('says why there is no such schedule', () => {
    expect(drawSchedule(readScheduleSearch({ name: '1f1b', v: 3 }))).toContain('chunks');
    expect(drawSchedule(readScheduleSearch({ times: '1,1' }))).toContain('three times');
    expect(drawSchedule(readScheduleSearch({ p: 4000, m: 4000 }))).toContain('too many cells');
  });

  it('reads an address, and leaves what it does not understand', () => {
    expect(readScheduleSearch({ name: 'zb-v', p: '8', m: 0, v: 2, times: 5 })).toEqual({
      ...{ name: 'zb-v', p: 8, m: 8, v: 2, times: '5' },
    });
    expect(readScheduleSearch({ name: 'nothing' }).name).toBe('1f1b');
  });
});
