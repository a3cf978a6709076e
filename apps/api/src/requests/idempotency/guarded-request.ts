import { AsyncLocalStorage } from 'node:async_hooks';
import type { Transaction } from '../../ground/database/prisma.service';
import type { IdempotencyRepository, KeyHold } from './idempotency.repository';
import { idempotencyKeyInFlight } from './idempotency.errors';
import { storable } from './kept-answer';

const requests = new AsyncLocalStorage<GuardedRequest>();

/**
 * Must be called in the transaction that does what the request asks. With an Idempotency-Key, the answer is stored in
 * that very transaction, so that a crash right after it loses nothing. @returns `body`
 */
export function willAnswer<T extends object>(body: T): T {
  requests.getStore()?.told(body);
  return body;
}

/** A request with an Idempotency-Key while it is handled. Each of its transactions records that it was carried out. */
export class GuardedRequest {
  private answer: object | undefined;
  private over = false;

  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly hold: KeyHold,
    /** The status of the answer, if all goes well. */
    private readonly status: number,
  ) {}

  handle<T>(work: () => Promise<T>): Promise<T> {
    return requests.run(this, async () => {
      try {
        return await work();
      } finally {
        this.over = true;
      }
    });
  }

  told(body: object): void {
    this.answer = body;
  }

  /**
   * Records in a transaction of the request that it was carried out, with its answer if that is known.
   * @throws AppError API.IDEMPOTENCY_KEY_IN_FLIGHT when another request took the key over, so that the transaction is
   * rolled back
   */
  async recordIn(tx: Transaction): Promise<void> {
    if (this.over) return;
    const kept = this.answer && { status: this.status, body: storable(JSON.stringify(this.answer)) };
    if (!(await this.keys.carriedOut(tx, this.hold, kept))) throw idempotencyKeyInFlight(this.hold.key);
  }
}
