import { expect, it } from 'vitest';
import { cutLaunch } from './launch';

const TARGET = { maxWorkgroupsPerDimension: 60 };

it.each([
  { workgroups: [10, 1, 1], countMin: 1, sizes: [10] },
  { workgroups: [10, 1, 1], countMin: 4, sizes: [2, 2, 2, 2, 2] },
  { workgroups: [9, 1, 1], countMin: 4, sizes: [2, 2, 2, 2, 1] },
  { workgroups: [3, 1, 1], countMin: 1e9, sizes: [1, 1, 1] },
  { workgroups: [40, 4, 1], countMin: 2, sizes: [60, 60, 40] },
] as const)('cuts $workgroups into at least $countMin parts', ({ workgroups, countMin, sizes }) => {
  const parts = cutLaunch(workgroups, countMin, TARGET);
  expect(parts.map(({ groupCount }) => groupCount)).toEqual(sizes);
  let next = 0;
  for (const { firstGroup, groupCount } of parts) {
    expect(firstGroup).toBe(next);
    next += groupCount;
  }
});

it('bounds the number of parts', () => {
  expect(cutLaunch([50_000, 1, 1], 1e9, { maxWorkgroupsPerDimension: 65_535 })).toHaveLength(1042);
});
