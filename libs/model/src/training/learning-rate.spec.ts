import { describe, expect, it } from 'vitest';
import { learningRate, type LearningRateSchedule } from './learning-rate';

const COSINE: LearningRateSchedule = { schedule: 'cosine', peak: 1e-3, warmup: 20, min: 1e-4, steps: 200 };

describe('learningRate', () => {
  it('rises as peak * step / warmup, step 1 first', () => {
    expect(learningRate(COSINE, 1)).toBe(1e-3 / 20);
    expect(learningRate(COSINE, 10)).toBe((1e-3 * 10) / 20);
    expect(learningRate(COSINE, 20)).toBe(1e-3);
  });

  it('falls as a half cosine to min at the last step', () => {
    expect(learningRate(COSINE, 110)).toBeCloseTo((1e-3 + 1e-4) / 2, 12);
    expect(learningRate(COSINE, 200)).toBe(1e-4);
    const rates = Array.from({ length: 181 }, (_, index) => learningRate(COSINE, 20 + index));
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
  });

  it('ends at a tenth of the peak without min, also when the steps are used up by the warm-up', () => {
    const { min: _, ...schedule } = COSINE;
    expect(learningRate(schedule, 200)).toBeCloseTo(1e-4, 18);
    expect(learningRate({ ...schedule, steps: 10 }, 10)).toBe((1e-3 * 10) / 20);
  });

  it('stays at the peak when constant', () => {
    expect(learningRate({ schedule: 'constant', peak: 0.5, warmup: 0, steps: 3 }, 1)).toBe(0.5);
    expect(learningRate({ schedule: 'constant', peak: 0.5, warmup: 2, steps: 9 }, 9)).toBe(0.5);
    expect(learningRate({ schedule: 'constant', peak: 0.5, warmup: 2, steps: 9 }, 1)).toBe(0.25);
  });

  it('refuses a step before the first', () => {
    expect(() => learningRate(COSINE, 0)).toThrowError(expect.objectContaining({ code: 'MODEL.LEARNING_RATE' }));
  });
});
