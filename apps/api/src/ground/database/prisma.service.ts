import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import type { ClientBase } from 'pg';
import { ApiConfig } from '../config/api-config';
import { CONNECTION_BOUNDS } from './connection-bounds';
import { currentCompanion } from './transaction-companion';
import { type Prisma, PrismaClient } from '../../generated/prisma/client';

export type Transaction = Prisma.TransactionClient;
/** The type of values for a JSON column. */
export type JsonInput = Prisma.InputJsonValue;

const POOL = {
  ...CONNECTION_BOUNDS,
  max: 10,
  /** The adapter assumes that every time it reads is in UTC, and writes times without their zone. */
  onConnect: (client: ClientBase): Promise<unknown> => client.query("SET TIME ZONE 'UTC'"),
} as const;
/** How long a transaction waits for a connection, and how long it may take. */
const WAIT_MS_MAX = 10_000;
const TRANSACTION_MS_MAX = 30_000;

/** The database, for repositories. */
@Injectable()
export class PrismaService extends PrismaClient implements OnModuleDestroy {
  constructor(config: ApiConfig) {
    super({ adapter: new PrismaPg({ connectionString: config.databaseUrl, ...POOL }) });
  }

  /**
   * Transactions are "read committed": concurrent changes are detected by guarded updates (id, state, fence), not by
   * isolation.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const companion = currentCompanion();
    const whole = async (tx: Transaction): Promise<T> => {
      const result = await work(tx);
      await companion?.(tx);
      return result;
    };
    return this.$transaction(whole, {
      isolationLevel: 'ReadCommitted',
      maxWait: WAIT_MS_MAX,
      timeout: TRANSACTION_MS_MAX,
    });
  }

  async onModuleDestroy(): Promise<void> {
    await this.$disconnect();
  }
}
