import { expect, it } from 'vitest';
import type { PlanDetails } from '../describe-layout';
import { whyLost } from './why-lost';

function taking(stepSeconds: number, schedule = 'gpipe'): PlanDetails {
  return { stepSeconds, ranks: [], setting: { schedule }, layersPerStage: [], devices: [] } as unknown as PlanDetails;
}

it('says of what is clearly faster that it is, and why it lost all the same', () => {
  expect(whyLost(taking(0.0241), taking(0.0257, '1f1b'))).toMatch(/^24\.1 ms, 6\.2% less, but the plan comes first/);
});

it('says of what is as fast that it is within the noise', () => {
  expect(whyLost(taking(0.02571), taking(0.0257, '1f1b'))).toMatch(/within 0\.1% of the plan/);
});
