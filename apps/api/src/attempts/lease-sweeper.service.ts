import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock, Logger } from '@millrace/core';
import { expiredLeases } from '@millrace/scheduler';
import { ApiConfig } from '../config/api-config';
import { CLOCK, LOGGER } from '../config/api-logger';
import { PrismaService, type Transaction } from '../database/prisma.service';
import { ClusterSignals } from '../queue/cluster-signals';
import { RunsRepository } from '../runs/runs.repository';
import { AttemptEndingsService } from './attempt-endings.service';
import { isLive, rankOf } from './attempt-record';
import { AttemptsRepository } from './attempts.repository';
import { type LeaseRecord, LeasesRepository } from './leases.repository';

const PULSE_MS = 250;

/**
 * Ends leases that ran out. Only a live API may: whenever this process was not able to hear heartbeats for a while (it just
 * started, was stopped, or the machine slept), every lease gets one full fresh term first.
 */
@Injectable()
export class LeaseSweeperService implements OnApplicationBootstrap, OnApplicationShutdown {
  private liveSinceMs = Infinity;
  private lastPulseMs = 0;
  private cancelPulse: (() => void) | undefined;

  constructor(
    private readonly prisma: PrismaService,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly endings: AttemptEndingsService,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.liveSinceMs = this.clock.now();
    this.lastPulseMs = this.clock.now();
    this.pulse();
  }

  onApplicationShutdown(): void {
    this.cancelPulse?.();
  }

  /** @returns how many leases were ended */
  async sweep(): Promise<number> {
    this.noteSilence();
    const nowMs = this.clock.now();
    const all = (await this.leases.all()).map((lease) => ({ lease, expiresAt: lease.expiresAt.getTime() }));
    const expired = expiredLeases(all, { now: nowMs, apiStartedAt: this.liveSinceMs, leaseMs: this.config.leaseMs });
    let endedCount = 0;
    for (const { lease } of expired) {
      if (await this.prisma.transaction((tx) => this.expire(tx, lease, new Date(nowMs)))) endedCount++;
    }
    if (endedCount > 0) {
      this.signals.commands();
      this.signals.schedule();
    }
    return endedCount;
  }

  private async expire(tx: Transaction, { agentId, runId, fence }: LeaseRecord, now: Date): Promise<boolean> {
    const run = await this.runs.lock(tx, runId);
    if (!run || !(await this.leases.lockExpired(tx, agentId, fence, now))) return false;
    const attempt = await this.attempts.find(tx, runId, fence);
    const rank = attempt ? rankOf(attempt, agentId) : undefined;
    const done = rank !== undefined && ['finished', 'paused'].includes(attempt?.ranks[rank]?.state ?? '');
    // Its part is done and reported, so it does not say any more that it runs it: it only waits for the other ranks.
    if (attempt && done && isLive(attempt.state)) return false;
    this.logger.warn({ agent: agentId, runId, fence, rank }, 'lease ran out');
    if (attempt && rank !== undefined && isLive(attempt.state)) {
      const message = `nothing was heard of ${agentId} (rank ${rank}) for the ${this.config.leaseMs / 1000} s of its lease`;
      const failure = { class: 'node_lost' as const, code: 'ATTEMPT.AGENT_LOST', message, culprit: { rank, agent: agentId } };
      await this.endings.fail(tx, { run, attempt, actor: 'system', state: 'lost', failure });
    }
    const after = await this.runs.lock(tx, runId);
    return after !== null && this.endings.release(tx, after, { agentId, fence });
  }

  private pulse(): void {
    this.noteSilence();
    this.cancelPulse = this.clock.after(PULSE_MS, () => this.pulse());
  }

  /** A pulse that comes late by a good part of a lease: heartbeats may be waiting that were not read yet. */
  private noteSilence(): void {
    const nowMs = this.clock.now();
    if (nowMs - this.lastPulseMs > PULSE_MS + this.config.leaseMs / 3) {
      this.logger.warn({ silentMs: nowMs - this.lastPulseMs }, 'this process stood still; leases get a fresh term');
      this.liveSinceMs = nowMs;
    }
    this.lastPulseMs = nowMs;
  }
}
