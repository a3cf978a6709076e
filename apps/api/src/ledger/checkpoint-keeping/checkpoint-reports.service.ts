import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AppError, describeError, type Logger } from '@millrace/core';
import { AgentsRepository } from '../agents/agents.repository';
import { AttemptEndingsService } from '../attempts/attempt-endings.service';
import { type AttemptRecord, isLive, rankOf } from '../runs/attempt-record';
import { LOGGER } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { type LockedAttempt, RunLedger } from '../runs/run-ledger';
import type { SessionIdentity } from '../sessions/agent-session';
import { BlockCollectorService } from './block-collector.service';
import { CheckpointPublisherService, STORE_UNREADABLE } from './checkpoint-publisher.service';
import {
  CheckpointWritesRepository,
  type PartKey,
  type Publication,
  type RankPart,
} from '../blocks/checkpoint-writes.repository';

/** Errors which mean that the checkpoint can never be complete: blocks were lost, or ranks disagree. */
const UNPUBLISHABLE: ReadonlySet<string> = new Set([
  'CHECKPOINT.PARTS_INCOMPLETE',
  'CHECKPOINT.BLOCKS_MISSING',
  'CHECKPOINT.PIECE_BEYOND_BLOCK',
]);

/** Receives the ranks' parts of checkpoints, and publishes a checkpoint with its last part. */
@Injectable()
export class CheckpointReportsService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly agents: AgentsRepository,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly publisher: CheckpointPublisherService,
    private readonly endings: AttemptEndingsService,
    private readonly collector: BlockCollectorService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * When it resolves, the report may be acknowledged: its content is in the database, or it is void because its fence
   * or its session is old. Reports are idempotent.
   */
  async report(session: SessionIdentity, report: agentV1.CheckpointReport): Promise<void> {
    if (report.state === 'staged') return;
    if (report.state === 'failed') return this.failed(session, report);
    const partJson = await this.publisher.checkedPart(report.manifestPartJson);
    const key = { runId: report.runId, step: report.step, fence: report.fence };
    const attempt = await this.storePart(session, key, { rank: report.rank, partJson });
    if (attempt === 'given up') await this.failed(session, report);
    else if (attempt) await this.publishIfComplete(key, attempt);
  }

  private async storePart(
    session: SessionIdentity,
    key: PartKey,
    { rank, partJson }: RankPart,
  ): Promise<AttemptRecord | 'given up' | undefined> {
    return this.ledger.changeQuietly(async (tx) => {
      const found = await this.lockAttempt(tx, session, key);
      if (!found || rankOf(found.attempt, session.agentId) !== rank) return undefined;
      const before = await this.checkpoints.findWriting(tx, key);
      if (before?.durable) return undefined;
      if (before?.givenUp) return 'given up';
      await this.checkpoints.storePart(tx, key, { rank, partJson });
      return found.attempt;
    });
  }

  /** Looking for hundreds of blocks on the disk takes a while, so that it is done between two transactions. */
  private async publishIfComplete(key: PartKey, attempt: AttemptRecord): Promise<void> {
    const writing = await this.checkpoints.findWriting(undefined, key);
    const expected = Object.keys(attempt.ranks);
    if (!writing || writing.durable || writing.givenUp) return;
    if (!expected.every((rank) => writing.ranks.includes(rank))) return;
    try {
      const merged = await this.publisher.verify(writing.id, attempt.plan, key.step);
      if (merged) await this.publish(key, { id: writing.id, manifestJson: merged.json, bytes: merged.bytes });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (UNPUBLISHABLE.has(error.code)) await this.refuse(key, writing.id, error);
      else if (STORE_UNREADABLE.has(error.code)) await this.giveUp(key, error);
      else throw error;
    }
  }

  private async publish(key: PartKey, publication: Publication): Promise<void> {
    const { id, bytes } = publication;
    await this.ledger.change(async (tx) => {
      const locked = await this.ledger.lock(tx, key);
      if (!locked || locked.run.fence !== key.fence) return;
      if (!(await this.publisher.publish(tx, locked.run, { ...publication, step: key.step }))) return;
      if (!isLive(locked.attempt.state)) return;
      const ending = { ...locked, actor: 'system' };
      if (!(await this.endings.succeedIfComplete(tx, ending))) await this.endings.pauseIfComplete(tx, ending);
    });
    this.logger.info(
      { runId: key.runId, fence: key.fence, step: key.step, checkpoint: id, bytes },
      'checkpoint is durable',
    );
  }

  /**
   * Ends the attempt, because the store has lost blocks or ranks disagree: going on with training would only hide that.
   */
  private async refuse(key: PartKey, checkpointId: string, error: AppError): Promise<void> {
    this.logger.error({ ...key, reason: describeError(error) }, 'checkpoint cannot be published');
    await this.ledger.change(async (tx) => {
      const locked = await this.ledger.lock(tx, key);
      if (!(await this.checkpoints.deleteWriting(tx, checkpointId))) return;
      if (!locked || locked.run.fence !== key.fence || !isLive(locked.attempt.state)) return;
      const failure = { class: 'internal' as const, code: error.code, message: error.message };
      await this.endings.fail(tx, { ...locked, actor: 'system', state: 'failed', failure });
    });
  }

  /**
   * The store could not be read, which says nothing about the training: the older checkpoint stays, and the run goes
   * on.
   */
  private async giveUp(key: PartKey, error: AppError): Promise<void> {
    const reason = describeError(error);
    this.logger.warn({ ...key, reason }, 'a checkpoint is given up, because the block store cannot be read');
    await this.ledger.changeQuietly(async (tx) => {
      if (await this.ledger.lock(tx, key)) await this.publisher.giveUp(tx, key, { actor: 'system', reason });
    });
    await this.collector.collectFreed();
  }

  /** A rank could not write its part: this checkpoint is given up, and training goes on. */
  private async failed(session: SessionIdentity, report: agentV1.CheckpointReport): Promise<void> {
    const key = { runId: report.runId, step: report.step, fence: report.fence };
    const { agentId } = session;
    const reason = report.errorMessage;
    if (report.state === 'failed')
      this.logger.warn({ ...key, agent: agentId, reason }, 'a rank could not store its part of a checkpoint');
    await this.ledger.changeQuietly(async (tx) => {
      if (await this.lockAttempt(tx, session, key)) await this.publisher.giveUp(tx, key, { actor: agentId, reason });
    });
    await this.collector.collectFreed();
  }

  /** Undefined when the report is void: its session is old, or its fence is not in force. */
  private async lockAttempt(
    tx: Transaction,
    session: SessionIdentity,
    key: PartKey,
  ): Promise<LockedAttempt | undefined> {
    if (!(await this.agents.isCurrent(tx, session))) return undefined;
    const locked = await this.ledger.lock(tx, key);
    return locked?.run.fence === key.fence ? locked : undefined;
  }
}
