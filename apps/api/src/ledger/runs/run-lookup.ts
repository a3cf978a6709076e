import { Injectable } from '@nestjs/common';
import { runNotFound } from './runs.errors';
import { PrismaService } from '../../ground/database/prisma.service';

/** Tells whether a run exists, for features that belong to runs (metrics, logs, events, checkpoints). */
@Injectable()
export class RunLookup {
  constructor(private readonly prisma: PrismaService) {}

  /** @throws AppError RUN.NOT_FOUND, also if the text cannot be an id */
  async assertExists(id: string): Promise<void> {
    // Postgres refuses NUL in text, and no id contains one.
    const count = id.includes('\0') ? 0 : await this.prisma.run.count({ where: { id } });
    if (count === 0) throw runNotFound(id);
  }

  /** @throws AppError RUN.NOT_FOUND */
  async projectOf(id: string): Promise<string> {
    const run = id.includes('\0')
      ? null
      : await this.prisma.run.findUnique({ where: { id }, select: { project: true } });
    if (run === null) throw runNotFound(id);
    return run.project;
  }
}
