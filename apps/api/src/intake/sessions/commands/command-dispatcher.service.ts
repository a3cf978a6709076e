import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, describeError, type Logger } from '@millrace/core';
import { ClusterSignals } from '../../../ground/events/cluster-signals';
import { ProfileRequestsService } from '../../../planning/profiling/profile-requests.service';
import { AttemptStartsService } from './attempt-starts.service';
import { type Command, desiredCommands } from './desired-commands';
import { SessionRegistry } from '../../../ledger/sessions/session-registry';
import { AttemptsRepository } from '../../../ledger/runs/attempts.repository';
import { LeasesRepository } from '../../../ledger/runs/leases.repository';
import { ApiConfig } from '../../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../../ground/config/api-logger';

/** How often the database is asked even without a signal: this is how decisions of other replicas are found. */
const PASS_INTERVAL_MS = 1_000;
/** A command that is not answered is sent again after this time. */
const AGAIN_AFTER_MS = 5_000;

/**
 * Sends commands to the agents whose sessions this replica holds. Commands are derived from leases and attempts in
 * every pass, so that they survive a restart, and any replica may have made the decision behind them.
 */
@Injectable()
export class CommandDispatcherService implements OnApplicationBootstrap, OnModuleDestroy {
  private cancelTimer: (() => void) | undefined;
  private unsubscribe: (() => void) | undefined;
  private passing = false;
  private wantedAgain = false;
  private stopped = false;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly starts: AttemptStartsService,
    private readonly profiles: ProfileRequestsService,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.unsubscribe = this.signals.whenCommands(() => this.wake());
    this.wake();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.unsubscribe?.();
    this.cancelTimer?.();
  }

  /** Runs one pass at a time; if it is called during a pass, one more pass follows. */
  private wake(): void {
    if (this.stopped) return;
    if (this.passing) {
      this.wantedAgain = true;
      return;
    }
    this.passing = true;
    this.cancelTimer?.();
    void this.pass()
      .catch((error: unknown) =>
        this.logger.warn({ reason: describeError(error) }, 'commands could not be sent; the next pass tries again'),
      )
      .finally(() => {
        this.passing = false;
        if (this.wantedAgain) {
          this.wantedAgain = false;
          this.wake();
        } else if (!this.stopped) {
          this.cancelTimer = this.clock.after(PASS_INTERVAL_MS, () => this.wake());
        }
      });
  }

  private async pass(): Promise<void> {
    const sessions = this.registry.all();
    if (sessions.length === 0) return;
    const leases = await this.leases.ofAgents(sessions.map(({ agentId }) => agentId));
    const attempts = await this.attempts.statuses(leases);
    const wanted = await this.profiles.commands(sessions.map(({ agentId }) => agentId));
    const now = { nowMs: await this.attempts.nowMs(), leaseMs: this.config.leaseMs };
    for (const session of sessions) {
      const lease = leases.find(({ agentId }) => agentId === session.agentId);
      const attempt = lease && attempts.find(({ runId, fence }) => runId === lease.runId && fence === lease.fence);
      const commands: Command[] = [
        ...(lease && attempt ? desiredCommands(lease, attempt, now) : []),
        ...wanted
          .filter(({ agentId }) => agentId === session.agentId)
          .map(({ id, body }) => ({ kind: 'send' as const, id, body })),
      ];
      session.keepOnly(new Set(commands.map(({ id }) => id)));
      for (const command of commands) {
        if (!session.isDue(command.id, this.clock.monotonicMs(), AGAIN_AFTER_MS)) continue;
        if (command.kind === 'send') session.send(command.body);
        else if (lease) await this.starts.send(session, command.id, lease);
      }
    }
  }
}
