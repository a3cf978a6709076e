import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

/** Forgets idempotency keys that are over. */
@Injectable()
export class IdempotencyPurgeRepository {
  constructor(private readonly prisma: PrismaService) {}

  async purge(now: Date): Promise<void> {
    await this.prisma.idempotencyKey.deleteMany({ where: { expiresAt: { lt: now } } });
  }
}
