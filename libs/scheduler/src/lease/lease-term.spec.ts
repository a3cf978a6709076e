import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expiredLeases, renewedUntil } from './lease-term';

describe('expiredLeases', () => {
  const lease = { agentId: 'agent_1', expiresAt: 1000 };

  it('ends a lease at its time, not before', () => {
    const term = { apiStartedAt: 0, leaseMs: 500 };
    expect(expiredLeases([lease], { ...term, now: 999 })).toEqual([]);
    expect(expiredLeases([lease], { ...term, now: 1000 })).toEqual([lease]);
  });

  it('gives one full fresh term after the API starts', () => {
    const term = { apiStartedAt: 5000, leaseMs: 500 };
    expect(expiredLeases([lease], { ...term, now: 5499 })).toEqual([]);
    expect(expiredLeases([lease], { ...term, now: 5500 })).toEqual([lease]);
  });

  it('never ends a lease that was renewed within a term, nor within a term of the start', () => {
    const [time, term] = [fc.nat(10_000), fc.integer({ min: 1, max: 1000 })];
    fc.assert(
      fc.property(time, time, term, (renewedAt, apiStartedAt, leaseMs) => {
        const leases = [{ expiresAt: renewedUntil({ now: renewedAt, leaseMs }) }];
        const end = Math.max(renewedAt, apiStartedAt) + leaseMs;
        expect(expiredLeases(leases, { now: end - 1, apiStartedAt, leaseMs })).toEqual([]);
        expect(expiredLeases(leases, { now: end, apiStartedAt, leaseMs })).toEqual(leases);
      }),
    );
  });
});
