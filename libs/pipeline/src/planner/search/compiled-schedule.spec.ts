import { describe, expect, it } from 'vitest';
import { SeededNumbers } from '../../../test/random-cluster';
import { lowerSchedule } from '../../lower/lower-schedule';
import { makeSchedule } from '../../schedule/make-schedule';
import { type Schedule, SCHEDULE_NAMES } from '../../schedule/schedule';
import { splitBackward } from '../../schedule/split-backward';
import { simulateSchedule } from '../../simulate/simulate-schedule';
import { CompiledSchedule } from './compiled-schedule';

/** With as many chunks as the schedule takes at least. */
function lowered(name: string, ranks: number, microBatches: number): Schedule {
  const make = (chunks: number): Schedule => makeSchedule({ name, ranks, microBatches, chunks });
  let made: Schedule;
  try {
    made = make(1);
  } catch {
    made = make(2);
  }
  return lowerSchedule(splitBackward(made));
}

describe('CompiledSchedule', () => {
  it.each(SCHEDULE_NAMES)('tells the step time of %s as the simulation does, link times included', (name) => {
    const random = new SeededNumbers(7);
    for (const [ranks, microBatches] of [
      [1, 3],
      [2, 4],
      [3, 8],
      [4, 9],
    ] as const) {
      const schedule = lowered(name, ranks, microBatches);
      const compiled = new CompiledSchedule(schedule);
      for (let trial = 0; trial < 5; trial++) {
        const draw = (): number => random.between(0, 2);
        const stages = Array.from({ length: schedule.stages }, () => ({ F: draw(), I: draw(), W: draw() }));
        const links = stages.slice(1).map(() => ({ forward: draw(), backward: draw() }));
        const durations = Float64Array.from(stages.flatMap(({ F, I, W }) => [F, I, W]));
        const linkTimes = Float64Array.from(links.flatMap(({ forward, backward }) => [forward, backward]));
        const { stepTime } = simulateSchedule(schedule, { stages, links });
        expect(compiled.stepTime(durations, linkTimes)).toBeCloseTo(stepTime, 10);
      }
    }
  });
});
