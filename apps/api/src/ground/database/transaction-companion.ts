import { AsyncLocalStorage } from 'node:async_hooks';
import type { Prisma } from '../../generated/prisma/client';

/** Writes something in a transaction, just before its commit. */
export type Companion = (tx: Prisma.TransactionClient) => Promise<void>;

const companions = new AsyncLocalStorage<Companion | undefined>();

/** In every transaction that `work` makes, `companion` writes too, so that what both wrote is stored or neither is. */
export function accompanied<T>(companion: Companion, work: () => T): T {
  return companions.run(companion, work);
}

/** For work that a request only starts: it has transactions of its own. */
export function unaccompanied<T>(work: () => T): T {
  return companions.run(undefined, work);
}

export function currentCompanion(): Companion | undefined {
  return companions.getStore();
}
