import { Injectable } from '@nestjs/common';
import {
  type BriefRunBody,
  type ListedRunBody,
  type Page,
  type RunBody,
  type RunSpec,
  runStateSchema,
  storableText,
  type SubmittedBody,
} from '@millrace/contracts';
import { newId } from '@millrace/core';
import type { z } from 'zod';
import { nextCursor } from '../../ground/http/cursor';
import { pageQuerySchema } from '../../ground/http/parse-query';
import { RunTracingService } from '../../ground/tracing/run-tracing.service';
import { RunAdmissionService } from './run-admission.service';
import { briefRunBody, listedRunBody, runBody } from './run-body';
import { type ListedAttempt, AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { RunLedger } from '../../ledger/runs/run-ledger';
import { willAnswer } from '../idempotency/guarded-request';
import { runCursorInvalid, runNotFound } from '../../ledger/runs/runs.errors';
import { searchWords, RunsRepository } from '../../ledger/runs/runs.repository';
import { EventsService } from '../../ground/events/events.service';

/** Each word is looked for in five texts of every run. */
const SEARCH_WORDS_MAX = 8;

/** Which runs a list contains; the same over REST and gRPC. */
export const runListQuerySchema = pageQuerySchema.extend({
  state: runStateSchema.optional(),
  name: storableText.min(1).max(128).optional(),
  search: storableText
    .max(200)
    .refine((text) => searchWords(text).length <= SEARCH_WORDS_MAX, `must be at most ${SEARCH_WORDS_MAX} words`)
    .optional()
    .describe(`Up to ${SEARCH_WORDS_MAX} words, each in the run's name, id, project or reason, in capitals or not`),
});
export type RunListQuery = z.output<typeof runListQuerySchema>;

/** Takes runs, and tells of them. */
@Injectable()
export class RunsService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly events: EventsService,
    private readonly admission: RunAdmissionService,
    private readonly tracing: RunTracingService,
  ) {}

  /** `spec` must be complete (parseRunSpec). @throws AppError RUN.SPEC_UNFIT, in which case nothing is stored */
  async submit(spec: RunSpec, actor: string): Promise<SubmittedBody> {
    const submitted = this.tracing.submitting();
    const { datasetId } = await this.admission.admit(spec, 'runs');
    const id = newId('run');
    const reason = { code: 'PENDING', message: 'waits for the scheduler' };
    const answer = await this.ledger.change(async (tx) => {
      await this.admission.keepInit(tx, spec);
      await this.runs.create(tx, { id, spec, datasetId, reason });
      await this.events.append(tx, {
        type: 'run.state',
        runId: id,
        subject: id,
        actor,
        action: 'run.submit',
        data: { from: null, state: 'queued', fence: 0, step: 0, reason },
      });
      return willAnswer<SubmittedBody>({ id, state: 'queued' });
    });
    submitted(id);
    return answer;
  }

  async get(id: string): Promise<RunBody> {
    const run = await this.runs.find(id);
    if (!run) throw runNotFound(id);
    return runBody(run, await this.attempts.ofRuns([id]), await this.attempts.nowMs());
  }

  /** Newest first. */
  async list({ limit, cursor, ...filter }: RunListQuery): Promise<Page<ListedRunBody>> {
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    const rows = await this.runs.page(limit + 1, { ...filter, after });
    const runs = rows.slice(0, limit);
    const attempts = new Map<string, ListedAttempt[]>(runs.map(({ id }) => [id, []]));
    for (const attempt of await this.attempts.listed([...attempts.keys()])) attempts.get(attempt.runId)?.push(attempt);
    const items = runs.map((run) => listedRunBody(run, attempts.get(run.id) ?? []));
    return { items, nextCursor: nextCursor(rows, limit, formatCursor) };
  }

  /** The same runs as rows of a table: specs and attempts are not read. */
  async briefs({ limit, cursor, ...filter }: RunListQuery): Promise<Page<BriefRunBody>> {
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    const rows = await this.runs.briefPage(limit + 1, { ...filter, after });
    return { items: rows.slice(0, limit).map(briefRunBody), nextCursor: nextCursor(rows, limit, formatCursor) };
  }
}

function formatCursor({ createdAt, id }: { createdAt: Date; id: string }): string {
  return Buffer.from(`${createdAt.getTime()} ${id}`).toString('base64url');
}

/** The last moment that a JavaScript Date can hold; Postgres can hold it too. */
const MS_MAX = 8.64e15;

/** @throws AppError RUN.CURSOR_INVALID */
function parseCursor(cursor: string): { createdAt: Date; id: string } {
  const [time, id, ...rest] = Buffer.from(cursor, 'base64url').toString().split(' ');
  const ms = Number(time);
  if (
    time === undefined ||
    time === '' ||
    !Number.isSafeInteger(ms) ||
    ms < 0 ||
    ms > MS_MAX ||
    !id ||
    !storableText.safeParse(id).success ||
    rest.length > 0
  )
    throw runCursorInvalid();
  return { createdAt: new Date(ms), id };
}
