export interface LeaseTerm {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly apiStartedAt: number;
  readonly leaseMs: number;
}

/** When a lease that is renewed now ends. */
export function renewedUntil({ now, leaseMs }: Pick<LeaseTerm, 'now' | 'leaseMs'>): number {
  return now + leaseMs;
}

/**
 * The leases that are over. Only a live API ends leases, and after it starts every lease gets one full fresh term,
 * since no heartbeat could be heard while it was away.
 */
export function expiredLeases<T extends { readonly expiresAt: number }>(leases: readonly T[], term: LeaseTerm): T[] {
  const earliest = term.apiStartedAt + term.leaseMs;
  return leases.filter(({ expiresAt }) => term.now >= Math.max(expiresAt, earliest));
}
