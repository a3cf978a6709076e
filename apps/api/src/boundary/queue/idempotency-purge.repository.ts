import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

/** Forgets idempotency keys that are over. */
@Injectable()
export class IdempotencyPurgeRepository {
  constructor(private readonly prisma: PrismaService) {}

  async purge(): Promise<void> {
    await this.prisma.$executeRaw`DELETE FROM "IdempotencyKey" WHERE "expiresAt" < millrace_now()`;
  }
}
