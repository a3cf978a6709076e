import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { ApiConfig } from '../config/api-config';
import { type Prisma, PrismaClient } from '../../generated/prisma/client';

export type Transaction = Prisma.TransactionClient;
/** What a JSON column takes. */
export type JsonInput = Prisma.InputJsonValue;

const CONNECTIONS_MAX = 10;
/** How long a transaction waits for a connection, and how long it may take. */
const WAIT_MS_MAX = 10_000;
const TRANSACTION_MS_MAX = 30_000;

/** The database, for repositories. */
@Injectable()
export class PrismaService extends PrismaClient implements OnModuleDestroy {
  constructor(config: ApiConfig) {
    super({ adapter: new PrismaPg({ connectionString: config.databaseUrl, max: CONNECTIONS_MAX }) });
  }

  /** Read committed: concurrent changes are told apart by guarded updates (id, state, fence), not by isolation. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.$transaction(work, {
      isolationLevel: 'ReadCommitted',
      maxWait: WAIT_MS_MAX,
      timeout: TRANSACTION_MS_MAX,
    });
  }

  async onModuleDestroy(): Promise<void> {
    await this.$disconnect();
  }
}
