import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from './prisma.service';

/**
 * The time by the database's clock, `millrace_now()`. All times that are stored, or compared with stored ones, come
 * from here or from the SQL itself, so that replicas of the API need not agree on the time.
 */
@Injectable()
export class DatabaseClock {
  constructor(private readonly prisma: PrismaService) {}

  async now(reader: Transaction = this.prisma): Promise<Date> {
    const [row] = await reader.$queryRaw<[{ now: Date }]>`SELECT millrace_now() AS "now"`;
    return row.now;
  }

  /** The time `delayMs` from now. */
  async after(delayMs: number, reader?: Transaction): Promise<Date> {
    return new Date((await this.now(reader)).getTime() + delayMs);
  }
}
