import type { Transaction } from './prisma.service';

/**
 * Returns true when `fence` is the run's current one. It then remains so until the transaction ends, because the row is
 * locked against other writers. Batches of one run therefore also commit in the order of their ids.
 */
export async function lockRunAtFence(tx: Transaction, runId: string, fence: number): Promise<boolean> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT "id" FROM "Run" WHERE "id" = ${runId} AND "fence" = ${fence} FOR NO KEY UPDATE`;
  return rows.length === 1;
}
