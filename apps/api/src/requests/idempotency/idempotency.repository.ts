import { Injectable } from '@nestjs/common';
import { type JsonInput, PrismaService, type Transaction } from '../../ground/database/prisma.service';
import type { IdempotencyKey } from '../../generated/prisma/client';

export interface KeyId {
  readonly tokenId: string;
  readonly key: string;
}

/** One handling of a request, which holds the key until it is answered or until its reservation runs out. */
export interface KeyHold extends KeyId {
  readonly holder: string;
}

export interface KeptAnswer {
  readonly status: number;
  readonly body: JsonInput;
}

/** Status of a key whose request is being handled and has changed nothing so far. */
export const IN_FLIGHT = 0;
/** Status of a key whose request was carried out, at least in part, and whose answer is not known. */
export const CARRIED_OUT = 1;

/** If the API is killed, its reservation ends after this time; it is extended while the request is being handled. */
const RESERVATION_MS = 60_000;
const ANSWER_MS = 24 * 3_600_000;

/** Keys and the answers that belong to them. Their times are set and compared by the database's clock. */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Takes the key if it is free or has expired; otherwise returns the row that holds it. */
  async reserve(hold: KeyHold, fingerprint: string): Promise<IdempotencyKey | undefined> {
    const { tokenId, key, holder } = hold;
    const taken = await this.prisma.$executeRaw`
      INSERT INTO "IdempotencyKey" ("tokenId", "key", "holder", "fingerprint", "status", "body", "expiresAt")
      VALUES (${tokenId}, ${key}, ${holder}, ${fingerprint}, ${IN_FLIGHT}, 'null'::jsonb,
        millrace_now() + ${RESERVATION_MS}::float8 * interval '1 millisecond')
      ON CONFLICT ("tokenId", "key") DO UPDATE
        SET "holder" = excluded."holder", "fingerprint" = excluded."fingerprint", "status" = excluded."status",
            "body" = excluded."body", "expiresAt" = excluded."expiresAt"
        WHERE "IdempotencyKey"."expiresAt" <= millrace_now()`;
    if (taken === 1) return undefined;
    const row = await this.prisma.idempotencyKey.findUnique({ where: { tokenId_key: { tokenId, key } } });
    // The key was released in between, so that it can be taken now.
    return row ?? this.reserve(hold, fingerprint);
  }

  /** Extends a reservation while its request takes long. */
  async extend({ tokenId, key, holder }: KeyHold): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "IdempotencyKey" SET "expiresAt" = millrace_now() + ${RESERVATION_MS}::float8 * interval '1 millisecond'
      WHERE "tokenId" = ${tokenId} AND "key" = ${key} AND "holder" = ${holder} AND "status" = ${IN_FLIGHT}`;
  }

  /**
   * Called in a transaction of the request: if it commits, the request is not carried out again for a day, whatever
   * becomes of this process. Returns false when somebody else has the key by now.
   */
  carriedOut(tx: Transaction, hold: KeyHold, kept: KeptAnswer | undefined): Promise<boolean> {
    return this.write(tx, hold, kept ?? { status: CARRIED_OUT, body: [] });
  }

  async complete(hold: KeyHold, kept: KeptAnswer): Promise<void> {
    await this.write(this.prisma, hold, kept);
  }

  /** Frees the key for another try if nothing was changed; a request that was carried out keeps it. */
  async release({ tokenId, key, holder }: KeyHold): Promise<void> {
    await this.prisma.idempotencyKey.deleteMany({ where: { tokenId, key, holder, status: IN_FLIGHT } });
  }

  /** Forgets the keys that are over. */
  async purge(): Promise<void> {
    await this.prisma.$executeRaw`DELETE FROM "IdempotencyKey" WHERE "expiresAt" < millrace_now()`;
  }

  private async write(writer: Transaction, hold: KeyHold, { status, body }: KeptAnswer): Promise<boolean> {
    const { tokenId, key, holder } = hold;
    const count = await writer.$executeRaw`
      UPDATE "IdempotencyKey" SET "status" = ${status}, "body" = ${JSON.stringify(body)}::jsonb,
        "expiresAt" = millrace_now() + ${ANSWER_MS}::float8 * interval '1 millisecond'
      WHERE "tokenId" = ${tokenId} AND "key" = ${key} AND "holder" = ${holder}`;
    return count === 1;
  }
}
