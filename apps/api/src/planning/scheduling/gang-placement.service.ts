import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AppError, type Clock, newId } from '@millrace/core';
import { PLACEABLE_STATES } from '@millrace/scheduler';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import type { RankStatuses, StoredPlan } from '../../ledger/runs/attempt-record';
import type { Transaction } from '../../ground/database/prisma.service';
import { ClusterSignals } from '../../ground/events/cluster-signals';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';
import { makeGangCredentials, type RankCredential } from '../../ground/tls/gang-credentials';
import { RunLedger } from '../../ledger/runs/run-ledger';
import type { RunRecord } from '../../ledger/runs/run-record';
import { AttemptPlansService, type Gang, peersOf, type PlacedGang } from './attempt-plans.service';
import { deviceTaken } from './scheduling.errors';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { LeasesRepository } from '../../ledger/runs/leases.repository';
import { RunTransitionsService } from '../../ledger/runs/run-transitions.service';
import { EventsService } from '../../ground/events/events.service';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK } from '../../ground/config/api-logger';

/** Gives a run all its devices or none, in one transaction. */
@Injectable()
export class GangPlacementService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    private readonly agents: AgentsRepository,
    private readonly plans: AttemptPlansService,
    private readonly prometheus: PrometheusService,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Returns false, and changes nothing, when somebody else was first: the run cannot be placed any more, it has a newer
   * fence, or one of the devices was given away. Two schedulers may try at the same time.
   */
  async place(run: RunRecord, placement: PlacedGang): Promise<boolean> {
    const { clock } = this;
    const { admission } = this.prometheus;
    const startedMs = clock.monotonicMs();
    const placed = await this.tryToPlace(run, placement);
    admission.attempted(placed, clock.monotonicMs() - startedMs);
    if (placed) this.signals.commands();
    // A run that comes back after a loss has a fence: its wait began with the loss, and is not a wait for admission.
    if (placed && run.fence === 0) admission.admitted(run.queue, clock.now() - run.createdAt.getTime());
    return placed;
  }

  private async tryToPlace(run: RunRecord, placement: PlacedGang): Promise<boolean> {
    try {
      // Certificates are made before the transaction, which locks the run's row.
      const credentials = await this.credentials(run, placement.gang);
      return await this.ledger.changeQuietly((tx) => this.placeLocked(tx, run, { ...placement, credentials }));
    } catch (error) {
      if (error instanceof AppError && error.code === 'SCHEDULING.DEVICE_TAKEN') return false;
      throw error;
    }
  }

  private credentials({ id, fence }: RunRecord, gang: Gang): Promise<readonly RankCredential[]> {
    return makeGangCredentials({ runId: id, fence: fence + 1, peers: peersOf(gang) }, this.clock.now());
  }

  private async placeLocked(
    tx: Transaction,
    seen: RunRecord,
    { placed, gang, credentials }: CredentialedPlacement,
  ): Promise<boolean> {
    const run = await this.ledger.lockRun(tx, seen.id);
    if (!run || run.fence !== seen.fence || !PLACEABLE_STATES.includes(run.state)) return false;
    const fence = run.fence + 1;
    const plan = await this.plans.make(tx, { run, placed, gang, fence });
    const moved = await this.transitions.move(tx, run, {
      to: 'scheduled',
      actor: 'system',
      fence,
      reason: null,
      retryAt: null,
    });
    if (!moved) return false;
    const leases = gang.map(({ id }, rank) => ({ agentId: id, runId: run.id, fence, rank }));
    if (!(await this.leases.grant(tx, leases, this.config.leaseMs))) throw deviceTaken(run.id);
    if (
      !(await this.agents.allUsable(
        tx,
        gang.map(({ id }) => id),
      ))
    )
      throw deviceTaken(run.id);
    await this.createAttempt(tx, plan, { gang, credentials });
    return true;
  }

  private async createAttempt(
    tx: Transaction,
    plan: StoredPlan,
    { gang, credentials }: Pick<CredentialedPlacement, 'gang' | 'credentials'>,
  ): Promise<void> {
    const { runId, fence } = plan;
    const id = newId('attempt');
    const ranks: RankStatuses = Object.fromEntries(
      gang.map((agent, rank) => [rank, { agent: agent.id, state: 'pending', step: 0 }]),
    );
    const dataKey = randomBytes(32).toString('hex');
    await this.attempts.create(tx, { id, runId, fence, plan, dataKey, ranks, credentials });
    await this.events.append(tx, {
      type: 'run.attempt',
      runId,
      subject: id,
      actor: 'system',
      data: {
        fence,
        state: 'scheduled',
        failure: null,
        fromStep: plan.firstStep,
        agents: gang.map((agent) => agent.id),
      },
    });
  }
}

interface CredentialedPlacement extends PlacedGang {
  /** The credentials, indexed by rank. */
  readonly credentials: readonly RankCredential[];
}
