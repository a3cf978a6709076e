import { isFinal, RUN_STATES, type RunState } from '@millrace/core';
import { Injectable } from '@nestjs/common';
import type { RunSpec } from '@millrace/contracts';
import { allowedSources, type StopRequest } from '@millrace/scheduler';
import { isStatementTimeout } from '../../ground/database/prisma-failures';
import { DatabaseClock } from '../../ground/database/database-clock';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { Prisma, type Run } from '../../generated/prisma/client';
import type { BriefRun, RunReason, RunRecord } from './run-record';
import { runSearchTimeout } from './runs.errors';

export interface NewRun {
  readonly id: string;
  readonly spec: RunSpec;
  readonly datasetId: string;
  readonly reason: RunReason;
}

export interface RunChanges {
  readonly fence?: number;
  readonly stopping?: StopRequest | null;
  readonly reason?: RunReason | null;
  readonly failures?: number;
  readonly retryAt?: Date | null;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
}

export interface RunFilter {
  readonly state?: string | undefined;
  readonly name?: string | undefined;
  /** Words, as `searchWords` separates them. */
  readonly search?: string | undefined;
  /** The run to continue after, since lists are newest first. */
  readonly after?: { readonly createdAt: Date; readonly id: string } | undefined;
}

/**
 * Enough time for thousands of rows, and short compared with a lease: sessions and leases use the same few connections.
 */
const SEARCH_MS_MAX = 2_000;

const BRIEF_COLUMNS = {
  ...{ id: true, name: true, project: true, state: true, reason: true, step: true },
  ...{ createdAt: true, startedAt: true, finishedAt: true },
} as const;

const LIVE_STATES: string[] = RUN_STATES.filter((state) => !isFinal(state));

/** Rows of runs. A state changes only by `transition`. */
@Injectable()
export class RunsRepository {
  constructor(
    private readonly prisma: PrismaService,
    private readonly time: DatabaseClock,
  ) {}

  async create(tx: Transaction, { id, spec, datasetId, reason }: NewRun): Promise<RunRecord> {
    const { name, project, queue, priority } = spec;
    const row = await tx.run.create({
      data: { id, name, project, queue, priority, state: 'queued', spec, datasetId, reason: json(reason) },
    });
    return toRecord(row);
  }

  async find(id: string): Promise<RunRecord | null> {
    const row = await this.prisma.run.findUnique({ where: { id } });
    return row && toRecord(row);
  }

  /**
   * Whether a caller with `fence` may act: its fence is the newest, and the run is not over. A run that ended as
   * `numerics` keeps its last good checkpoint, which may still be on its way under the fence that the run ended with.
   */
  async isInForce(id: string, fence: number): Promise<boolean> {
    const numerics = {
      state: 'failed',
      attempts: { some: { fence, failure: { path: ['class'], equals: 'numerics' } } },
    };
    return (
      (await this.prisma.run.count({ where: { id, fence, OR: [{ state: { in: LIVE_STATES } }, numerics] } })) === 1
    );
  }

  /** Locks the run against other writers until the transaction ends. Every decision about a run begins with this. */
  async lock(tx: Transaction, id: string): Promise<RunRecord | null> {
    await tx.$queryRaw`SELECT "id" FROM "Run" WHERE "id" = ${id} FOR NO KEY UPDATE`;
    const row = await tx.run.findUnique({ where: { id } });
    return row && toRecord(row);
  }

  /**
   * Moves the run to `to` if the table allows it from its present state, and if its fence is that of `run`. Returns
   * false when somebody else was first; nothing is changed then.
   */
  async transition(
    tx: Transaction,
    run: RunRecord,
    { to, ...changes }: RunChanges & { readonly to: RunState },
  ): Promise<boolean> {
    const { count } = await tx.run.updateMany({
      where: { id: run.id, fence: run.fence, state: { in: allowedSources(to) } },
      data: { state: to, version: { increment: 1 }, updatedAt: await this.time.now(tx), ...columns(changes) },
    });
    return count === 1;
  }

  /** Makes changes that leave the state as it is; they are guarded by state and fence nevertheless. */
  async update(tx: Transaction, run: RunRecord, changes: RunChanges): Promise<boolean> {
    const { count } = await tx.run.updateMany({
      where: { id: run.id, fence: run.fence, state: run.state },
      data: { version: { increment: 1 }, updatedAt: await this.time.now(tx), ...columns(changes) },
    });
    return count === 1;
  }

  /** Runs in one of `states`, the most urgent first: by priority, then by age. */
  async inStates(states: readonly RunState[], reader: Transaction = this.prisma): Promise<RunRecord[]> {
    const rows = await reader.run.findMany({
      where: { state: { in: [...states] } },
      orderBy: [{ priority: 'desc' }, { createdAt: 'asc' }, { id: 'asc' }],
    });
    return rows.map(toRecord);
  }

  /** @throws AppError RUN.SEARCH_TIMEOUT */
  async page(count: number, filter: RunFilter): Promise<RunRecord[]> {
    const rows = await this.searching(filter, (reader) => reader.run.findMany(pageOf(count, filter)));
    return rows.map(toRecord);
  }

  /** The same runs without their long values. @throws AppError RUN.SEARCH_TIMEOUT */
  async briefPage(count: number, filter: RunFilter): Promise<BriefRun[]> {
    const rows = await this.searching(filter, (reader) =>
      reader.run.findMany({ ...pageOf(count, filter), select: BRIEF_COLUMNS }),
    );
    const specs = new Map((await this.briefSpecs(rows.map(({ id }) => id))).map(({ id, ...spec }) => [id, spec]));
    return rows.flatMap((row) => {
      const spec = specs.get(row.id);
      // A row that was deleted in between does not count any more.
      if (spec === undefined) return [];
      const { steps, pp, schedule } = spec;
      return { ...row, state: row.state as RunState, reason: reasonOf(row), steps, parallel: { pp, schedule } };
    });
  }

  private briefSpecs(ids: readonly string[]): Promise<{ id: string; steps: number; pp: number; schedule: string }[]> {
    return this.prisma.$queryRaw`
      SELECT "id", ("spec" #>> '{train,steps}')::int AS "steps", ("spec" #>> '{parallel,pp}')::int AS "pp",
        "spec" #>> '{parallel,schedule}' AS "schedule"
      FROM "Run" WHERE "id" = ANY(${[...ids]}::text[])`;
  }

  async delete(tx: Transaction, id: string): Promise<void> {
    await tx.run.delete({ where: { id } });
  }

  /** The runs that are not over and start from one of the given checkpoints, with that checkpoint. */
  async startingFrom(
    reader: Transaction,
    checkpointIds: readonly string[],
  ): Promise<{ runId: string; checkpointId: string }[]> {
    return reader.$queryRaw`
      SELECT "id" AS "runId", "spec" #>> '{model,init,id}' AS "checkpointId" FROM "Run"
      WHERE "state" = ANY(${LIVE_STATES}::text[])
        AND "spec" #>> '{model,init,id}' = ANY(${[...checkpointIds]}::text[])`;
  }

  /**
   * Runs a search with a time limit. Words inside a text have no index, so that rows are read one by one; Postgres
   * stops the search if it takes too long.
   */
  private async searching<T>({ search = '' }: RunFilter, read: (tx: Transaction) => Promise<T>): Promise<T> {
    if (searchWords(search).length === 0) return read(this.prisma);
    try {
      return await this.prisma.transaction(async (tx) => {
        // This is a SET LOCAL, which takes no parameter: it ends with the transaction.
        await tx.$queryRaw`SELECT set_config('statement_timeout', ${String(SEARCH_MS_MAX)}, true)`;
        return read(tx);
      });
    } catch (error) {
      throw isStatementTimeout(error) ? runSearchTimeout(SEARCH_MS_MAX, error) : error;
    }
  }
}

type RunPage = Pick<Prisma.RunFindManyArgs, 'where' | 'orderBy' | 'take'>;

function pageOf(count: number, { state, name, search = '', after }: RunFilter): RunPage {
  return {
    where: {
      ...(state === undefined ? {} : { state }),
      ...(name === undefined ? {} : { name }),
      AND: searchWords(search).map(withWord),
      ...(after === undefined
        ? {}
        : { OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }] }),
    },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: count,
  };
}

export function searchWords(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** The dashboard's filter, for runs that it has not loaded: the word is part of the name, id, project or reason. */
function withWord(word: string): Prisma.RunWhereInput {
  // Characters that have a meaning in a pattern of Postgres stand for themselves here.
  const found = { contains: word.replace(/[\\%_]/g, '\\$&'), mode: 'insensitive' } as const;
  const { contains: string_contains, mode } = found;
  return {
    OR: [
      { name: found },
      { id: found },
      { project: found },
      ...['message', 'code'].map((key) => ({ reason: { path: [key], string_contains, mode } })),
    ],
  };
}

function columns({ stopping, reason, ...rest }: RunChanges): Prisma.RunUpdateManyMutationInput {
  return {
    ...rest,
    ...(stopping === undefined ? {} : { stopping: stopping ?? 'none' }),
    ...(reason === undefined ? {} : { reason: reason === null ? Prisma.DbNull : json(reason) }),
  };
}

function json(reason: RunReason): Prisma.InputJsonValue {
  return { ...reason } as Prisma.InputJsonObject;
}

const reasonOf = ({ reason }: Pick<Run, 'reason'>): RunReason | null => reason as unknown as RunReason | null;

function toRecord(row: Run): RunRecord {
  return {
    ...row,
    state: row.state as RunState,
    stopping: row.stopping === 'none' ? undefined : (row.stopping as StopRequest),
    reason: reasonOf(row),
    spec: row.spec as unknown as RunSpec,
  };
}
