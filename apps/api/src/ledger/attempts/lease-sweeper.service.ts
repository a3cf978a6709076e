import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { expiredLeases } from '@millrace/scheduler';
import { ClusterContext } from '../../ground/config/cluster-context';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';
import type { Transaction } from '../../ground/database/prisma.service';
import { RunLedger } from '../runs/run-ledger';
import { AttemptEndingsService } from './attempt-endings.service';
import { isLive, rankOf } from '../runs/attempt-record';
import type { LeaseRecord } from '../runs/leases.repository';

const PULSE_MS = 250;

/**
 * Ends leases that ran out. Only a live API may: whenever this process was not able to hear heartbeats for a while (it
 * just started, was stopped, or the machine slept), every lease gets one full fresh term first.
 */
@Injectable()
export class LeaseSweeperService implements OnApplicationBootstrap, OnModuleDestroy {
  private liveSinceMs = Infinity;
  private lastPulseMs = 0;
  private cancelPulse: (() => void) | undefined;

  constructor(
    private readonly ledger: RunLedger,
    private readonly endings: AttemptEndingsService,
    private readonly prometheus: PrometheusService,
    private readonly context: ClusterContext,
  ) {}

  onApplicationBootstrap(): void {
    this.liveSinceMs = this.context.clock.now();
    this.lastPulseMs = this.context.clock.now();
    this.pulse();
  }

  onModuleDestroy(): void {
    this.cancelPulse?.();
  }

  /** @returns how many leases were ended */
  async sweep(): Promise<number> {
    this.noteSilence();
    const nowMs = this.context.clock.now();
    const all = (await this.ledger.leases.all()).map((lease) => ({ lease, expiresAt: lease.expiresAt.getTime() }));
    const expired = expiredLeases(all, {
      now: nowMs,
      apiStartedAt: this.liveSinceMs,
      leaseMs: this.context.config.leaseMs,
    });
    let endedCount = 0;
    for (const { lease } of expired) {
      if (await this.ledger.change((tx) => this.expire(tx, lease, new Date(nowMs)))) endedCount++;
    }
    this.prometheus.admission.lostLeases(endedCount);
    return endedCount;
  }

  private async expire(tx: Transaction, { agentId, runId, fence }: LeaseRecord, now: Date): Promise<boolean> {
    const locked = await this.ledger.lock(tx, { runId, fence });
    if (!locked || !(await this.ledger.leases.lockExpired(tx, { agentId, fence }, now))) return false;
    const { run, attempt } = locked;
    const rank = rankOf(attempt, agentId);
    const done = rank !== undefined && ['finished', 'paused'].includes(attempt.ranks[rank]?.state ?? '');
    // Its part is done and reported, so it does not say any more that it runs it: it only waits for the other ranks.
    if (done && isLive(attempt.state)) return false;
    this.context.logger.warn({ agent: agentId, runId, fence, rank }, 'lease ran out');
    if (rank !== undefined && isLive(attempt.state)) {
      const message = `nothing was heard of ${agentId} (rank ${rank}) for the ${this.context.config.leaseMs / 1000} s of its lease`;
      const failure = {
        class: 'node_lost' as const,
        code: 'ATTEMPT.AGENT_LOST',
        message,
        culprit: { rank, agent: agentId },
      };
      await this.endings.fail(tx, { run, attempt, actor: 'system', state: 'lost', failure });
    }
    const after = await this.ledger.runs.lock(tx, runId);
    return after !== null && this.endings.release(tx, after, { agentId, fence });
  }

  private pulse(): void {
    this.noteSilence();
    this.cancelPulse = this.context.clock.after(PULSE_MS, () => this.pulse());
  }

  /** A pulse that comes late by a good part of a lease: heartbeats may be waiting that were not read yet. */
  private noteSilence(): void {
    const nowMs = this.context.clock.now();
    if (nowMs - this.lastPulseMs > PULSE_MS + this.context.config.leaseMs / 3) {
      this.context.logger.warn(
        { silentMs: nowMs - this.lastPulseMs },
        'this process stood still; leases get a fresh term',
      );
      this.liveSinceMs = nowMs;
    }
    this.lastPulseMs = nowMs;
  }
}
