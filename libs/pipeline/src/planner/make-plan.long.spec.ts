import { expect, it } from 'vitest';
import { comparedWithAll, requestFor, SYNCHRONOUS } from '../../test/exhaustive-search';
import { randomRequest } from '../../test/random-cluster';

const TIMEOUT_MS = 900_000;

it(
  'makePlan is never worse than 1% above the best on 3,000 clusters of unequal devices',
  { timeout: TIMEOUT_MS },
  () => {
    const plans = Array.from({ length: 3000 }, (_, index) =>
      comparedWithAll(randomRequest(10_000 + index, { ranksMax: 4, blocksMax: 9 })),
    );
    expect(plans.filter((plan) => plan !== undefined).length).toBeGreaterThan(2500);
  },
);

it.each(SYNCHRONOUS)(
  'makePlan comes within a hundredth of the best for %s, %i chunks, on 500 clusters',
  { timeout: TIMEOUT_MS },
  (...each) => {
    const requests = Array.from({ length: 500 }, (_, index) => requestFor(20_000 + index, each));
    const made = requests.filter((request) => request !== undefined);
    expect(made.length).toBeGreaterThan(100);
    for (const request of made) comparedWithAll(request);
  },
);

// The search looks at some of the 5,040 orders: on at least one of these clusters it misses the best by 2.7%.
it('makePlan stays within 5% where orders of devices are too many to try all', { timeout: TIMEOUT_MS }, () => {
  expect.hasAssertions();
  for (let seed = 1000; seed < 1020; seed++) {
    const request = randomRequest(seed, { ranksMin: 7, ranksMax: 7, blocksMax: 8 });
    comparedWithAll({ ...request, deviceOrder: 'free', candidates: request.candidates.slice(-1) }, 0.05);
  }
});
