import { type Failure, GPU_THREAD_SILENT_MS_MAX } from '@millrace/contracts';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';
import type { Transaction } from '../../ground/database/prisma.service';
import { RunLedger } from '../runs/run-ledger';
import { AttemptEndingsService } from './attempt-endings.service';
import { LateStartsService } from './late-starts.service';
import { LeaseTerm } from './lease-term';
import { isLive, rankOf } from '../runs/attempt-record';
import { type ExpiredLease, LeasesRepository } from '../runs/leases.repository';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import type { Clock, Logger } from '@millrace/core';

const PULSE_MS = 250;
const PROBE_SHARE_OF_LEASE = 1 / 6;

/**
 * Ends leases that have run out by the database's clock, once this process has been able to renew leases for a full
 * term (see LeaseTerm).
 */
@Injectable()
export class LeaseSweeperService implements OnApplicationBootstrap, OnModuleDestroy {
  private lastPulseMs = 0;
  private lastProbeMs = 0;
  private probing = false;
  private cancelPulse: (() => void) | undefined;

  constructor(
    private readonly ledger: RunLedger,
    private readonly leases: LeasesRepository,
    private readonly endings: AttemptEndingsService,
    private readonly lateStarts: LateStartsService,
    private readonly term: LeaseTerm,
    private readonly prometheus: PrometheusService,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.term.restart('this process has just started');
    this.lastPulseMs = this.clock.monotonicMs();
    this.pulse();
  }

  onModuleDestroy(): void {
    this.cancelPulse?.();
  }

  /** @returns how many leases were ended */
  async sweep(): Promise<number> {
    this.noteSilence();
    // The query comes first: if its answer is late, as from a database that stood still, the term restarts.
    const expired = await this.look();
    if (!this.term.hasPassed) return 0;
    let endedCount = 0;
    for (const lease of expired) {
      if (await this.term.watch(() => this.ledger.change((tx) => this.expire(tx, lease)))) endedCount++;
    }
    this.prometheus.admission.lostLeases(endedCount);
    // A generation's leases run out with the replica that renewed them, which says nothing about the agents.
    endedCount += await this.term.watch(() => this.leases.releaseExpiredGenerations(this.config.leaseMs));
    await this.lateStarts.end();
    return endedCount;
  }

  /**
   * Reads which leases have run out. A restart of this process's term holds for every replica, so that it is written
   * first.
   */
  private look(): Promise<ExpiredLease[]> {
    return this.term.watch(async () => {
      const { untold } = this.term;
      if (untold !== undefined) {
        await this.leases.restartTerm();
        this.term.told(untold);
      }
      return this.leases.expired(this.config.leaseMs);
    });
  }

  private async expire(tx: Transaction, lease: ExpiredLease): Promise<boolean> {
    const { agentId, runId, fence } = lease;
    const locked = await this.ledger.lock(tx, { runId, fence });
    if (!locked || !(await this.leases.lockExpired(tx, { agentId, runId, fence }))) return false;
    const { run, attempt } = locked;
    const rank = rankOf(attempt, agentId);
    const done = rank !== undefined && ['finished', 'paused'].includes(attempt.ranks[rank]?.state ?? '');
    // The rank has reported that its part is done, and does not say any more that it runs: it only waits for the other
    // ranks.
    if (done && isLive(attempt.state)) return false;
    this.logger.warn({ agent: agentId, runId, fence, rank }, 'lease ran out');
    if (rank !== undefined && isLive(attempt.state)) {
      const failure = this.failureOf(lease, rank);
      await this.endings.fail(tx, { run, attempt, actor: 'system', state: 'lost', failure });
      // The agent is still told to stop, which may need the end of its process.
      if (failure.class === 'timed_out') {
        await this.leases.prolong(tx, lease, this.config.leaseMs);
        return true;
      }
    }
    const after = await this.ledger.lockRun(tx, runId);
    return after !== null && this.endings.release(tx, after, { agentId, fence });
  }

  /** If the thread of the device hangs, the lease runs out although the agent is heard. */
  private failureOf({ agentId, threadSilentMs }: ExpiredLease, rank: number): Failure {
    const culprit = { rank, agent: agentId };
    if (threadSilentMs >= GPU_THREAD_SILENT_MS_MAX) {
      const message =
        `the thread that owns the device of ${agentId} (rank ${rank}) has said nothing for ` +
        `${(threadSilentMs / 1000).toFixed(0)} s: its driver hangs; restart the agent and, if that does not help, its machine`;
      return { class: 'timed_out', code: 'ATTEMPT.DEVICE_SILENT', message, culprit };
    }
    const leaseSeconds = this.config.leaseMs / 1000;
    const message = `nothing was heard from ${agentId} (rank ${rank}) for the ${leaseSeconds} s of its lease`;
    return { class: 'node_lost', code: 'ATTEMPT.AGENT_LOST', message, culprit };
  }

  private pulse(): void {
    this.noteSilence();
    this.probe();
    this.cancelPulse = this.clock.after(PULSE_MS, () => this.pulse());
  }

  /**
   * Asks the database a few times during each lease whether it answers. Nothing else would notice that it does not:
   * sweeps come from a queue in the same database, and its first failure ends the sessions that bring heartbeats.
   */
  private probe(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.probing || nowMs - this.lastProbeMs < this.config.leaseMs * PROBE_SHARE_OF_LEASE) return;
    this.lastProbeMs = nowMs;
    this.probing = true;
    this.look()
      .catch(() => undefined)
      .finally(() => (this.probing = false));
  }

  /**
   * A renewal that waits for the database, or a pulse that comes late by a good part of a lease: heartbeats may be
   * waiting that were not read yet.
   */
  private noteSilence(): void {
    this.term.noteWaits();
    const nowMs = this.clock.monotonicMs();
    const silentMs = nowMs - this.lastPulseMs;
    if (silentMs > PULSE_MS + this.config.leaseMs / 3)
      this.term.restart(`this process stood still for ${silentMs.toFixed(0)} ms`);
    this.lastPulseMs = nowMs;
  }
}
