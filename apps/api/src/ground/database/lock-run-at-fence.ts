import type { Transaction } from './prisma.service';

/**
 * True when `fence` is the run's current one, and then it stays so until the transaction ends: the row is locked
 * against other writers. Batches of one run therefore also commit in the order of their ids.
 */
export async function lockRunAtFence(tx: Transaction, runId: string, fence: number): Promise<boolean> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT "id" FROM "Run" WHERE "id" = ${runId} AND "fence" = ${fence} FOR NO KEY UPDATE`;
  return rows.length === 1;
}
