import { describe, expect, it } from 'vitest';
import { randomRequest } from '../../../test/random-cluster';
import { MEBIBYTE, plainRequest } from '../../../test/plain-request';
import type { PlanRequest } from '../plan-request';
import { PlanCase } from './plan-case';
import { type SearchResult, searchLayout } from './search-layout';
import { SearchWork } from './search-work';

/** 64 devices of which no two are alike, of which 32 are chosen for 64 layers. */
function largeRequest(): PlanRequest {
  const speeds = Array.from({ length: 64 }, (_, index) => 1 + ((index * 37) % 64) / 32);
  const setting = { schedule: '1f1b', chunks: 1, microBatches: 8, recompute: 'none' } as const;
  const request = plainRequest({ speeds, ranks: 32, blocks: 64, candidates: [setting] });
  return { ...request, workloads: [{ ...request.workloads[0]!, microBatches: 8 }] };
}

function search(request: PlanRequest, work: SearchWork): SearchResult {
  return searchLayout(new PlanCase(request, request.candidates[0]!, work));
}

describe('searchLayout', () => {
  it('ends soon after its work is used up, with the best that it has found', () => {
    const request = largeRequest();
    const least = new SearchWork(0);
    const withoutSearch = search(request, least);
    const more = new SearchWork(5e6);
    const { best } = search(request, more);
    expect(more.done).toBeGreaterThanOrEqual(5e6);
    // What was begun is ended, and each part of the search makes at least one attempt.
    expect(more.done).toBeLessThan(5e6 + 2 * least.done);
    expect(best.overflowBytes).toBe(0);
    expect(best.stepSeconds).toBeLessThan(withoutSearch.best.stepSeconds);
  });

  it('finds the same again, as it counts work and not time', () => {
    const request = largeRequest();
    expect(search(request, new SearchWork(2e6))).toEqual(search(request, new SearchWork(2e6)));
  });

  it('does not come near its bound where exhaustive search is possible', () => {
    for (let seed = 0; seed < 20; seed++) {
      const request = randomRequest(seed, { ranksMax: 4, blocksMax: 9 });
      const work = new SearchWork(Infinity);
      search(request, work);
      expect(work.done).toBeLessThan(1e7);
    }
  });

  it('tries devices of two kinds as kinds, however many there are of each', () => {
    const speeds = Array.from({ length: 64 }, (_, index) => (index < 60 ? 1 : 3));
    const request = plainRequest({ speeds, ranks: 6, blocks: 12, memoryBytes: 1000 * MEBIBYTE });
    const { layout } = search(request, new SearchWork(1e8)).best;
    expect(layout.order.filter((device) => device >= 60)).toHaveLength(4);
  });
});
