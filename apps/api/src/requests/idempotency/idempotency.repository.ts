import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';
import type { IdempotencyKey, Prisma } from '../../generated/prisma/client';

export interface KeyId {
  readonly tokenId: string;
  readonly key: string;
}

export interface Reservation {
  readonly fingerprint: string;
  readonly until: Date;
  readonly now: Date;
}

export interface KeptAnswer {
  readonly status: number;
  readonly body: Prisma.InputJsonValue;
  readonly until: Date;
}

/** Status of a key whose request is being handled. */
export const IN_FLIGHT = 0;

/** Keys and the answers that belong to them. */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Takes the key if it is free or expired; otherwise the row that holds it. */
  async reserve({ tokenId, key }: KeyId, reservation: Reservation): Promise<IdempotencyKey | undefined> {
    const { fingerprint, until, now } = reservation;
    const taken = await this.prisma.$executeRaw`
      INSERT INTO "IdempotencyKey" ("tokenId", "key", "fingerprint", "status", "body", "expiresAt")
      VALUES (${tokenId}, ${key}, ${fingerprint}, ${IN_FLIGHT}, 'null'::jsonb, ${until})
      ON CONFLICT ("tokenId", "key") DO UPDATE
        SET "fingerprint" = excluded."fingerprint", "status" = excluded."status", "body" = excluded."body",
            "expiresAt" = excluded."expiresAt"
        WHERE "IdempotencyKey"."expiresAt" <= ${now}`;
    if (taken === 1) return undefined;
    const row = await this.prisma.idempotencyKey.findUnique({ where: { tokenId_key: { tokenId, key } } });
    // Released in between: take it now.
    return row ?? this.reserve({ tokenId, key }, reservation);
  }

  /** Keeps a reservation alive while its request takes long. */
  async extend({ tokenId, key }: KeyId, until: Date): Promise<void> {
    await this.prisma.idempotencyKey.updateMany({
      where: { tokenId, key, status: IN_FLIGHT },
      data: { expiresAt: until },
    });
  }

  async complete({ tokenId, key }: KeyId, { status, body, until }: KeptAnswer): Promise<void> {
    const data = { status, body, expiresAt: until };
    await this.prisma.idempotencyKey.update({ where: { tokenId_key: { tokenId, key } }, data });
  }

  async release({ tokenId, key }: KeyId): Promise<void> {
    await this.prisma.idempotencyKey.deleteMany({ where: { tokenId, key, status: IN_FLIGHT } });
  }
}
