import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AppError, assert, type Clock, newId } from '@millrace/core';
import { PLACEABLE_STATES } from '@millrace/scheduler';
import { AgentsRepository, type AgentWithLease } from '../agents/agents.repository';
import type { RankStatuses, StoredPlan } from '../attempts/attempt-record';
import { AttemptsRepository } from '../attempts/attempts.repository';
import { LeasesRepository } from '../attempts/leases.repository';
import { ApiConfig } from '../config/api-config';
import { CLOCK } from '../config/api-logger';
import { PrismaService, type Transaction } from '../database/prisma.service';
import { EventsService } from '../events/events.service';
import type { RunRecord } from '../runs/run-record';
import { RunTransitionsService } from '../runs/run-transitions.service';
import { RunsRepository } from '../runs/runs.repository';
import { gflopsOf } from './inventory';
import { predictStep } from './predict-step';
import { ResumeSourceService } from './resume-source.service';
import type { ShapedRun } from './run-shapes.service';
import { deviceTaken } from './scheduling.errors';

/** Index = rank. */
export type Gang = readonly AgentWithLease[];

/** Gives a run its devices, all or nothing, in one transaction. */
@Injectable()
export class GangPlacementService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly leases: LeasesRepository,
    private readonly agents: AgentsRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    private readonly resumeSource: ResumeSourceService,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * False, and nothing changed, when somebody else was first: the run is not placeable any more, it has a newer fence, or
   * one of the devices was given away. Two schedulers may try at the same time.
   */
  async place(run: RunRecord, shaped: ShapedRun, gang: Gang): Promise<boolean> {
    try {
      return await this.prisma.transaction((tx) => this.placeLocked(tx, run, shaped, gang));
    } catch (error) {
      if (error instanceof AppError && error.code === 'SCHEDULING.DEVICE_TAKEN') return false;
      throw error;
    }
  }

  private async placeLocked(tx: Transaction, seen: RunRecord, shaped: ShapedRun, gang: Gang): Promise<boolean> {
    const run = await this.runs.lock(tx, seen.id);
    if (!run || run.fence !== seen.fence || !PLACEABLE_STATES.includes(run.state)) return false;
    const fence = run.fence + 1;
    const plan = await this.plan(tx, { run, shaped, gang, fence });
    const moved = await this.transitions.move(tx, run, 'scheduled', { actor: 'system', fence, reason: null });
    if (!moved) return false;
    const expiresAt = new Date(this.clock.now() + this.config.leaseMs);
    const leases = gang.map(({ id }, rank) => ({ agentId: id, runId: run.id, fence, rank, expiresAt }));
    if (!(await this.leases.grant(tx, leases))) throw deviceTaken(run.id);
    if (!(await this.agents.allUsable(tx, gang.map(({ id }) => id)))) throw deviceTaken(run.id);
    await this.createAttempt(tx, plan, gang);
    return true;
  }

  private async createAttempt(tx: Transaction, plan: StoredPlan, gang: Gang): Promise<void> {
    const { runId, fence } = plan;
    const id = newId('attempt');
    const ranks: RankStatuses = Object.fromEntries(gang.map((agent, rank) => [rank, { agent: agent.id, state: 'pending', step: 0 }]));
    await this.attempts.create(tx, { id, runId, fence, plan, dataKey: randomBytes(32).toString('hex'), ranks });
    await this.events.append(tx, {
      type: 'run.attempt', runId, subject: id, actor: 'system',
      data: { fence, state: 'scheduled', failure: null, fromStep: plan.firstStep, agents: gang.map((agent) => agent.id) },
    });
  }

  private async plan(tx: Transaction, { run, shaped, gang, fence }: Planned): Promise<StoredPlan> {
    const { shape, dataset } = shaped;
    assert(gang.length === shape.stages.length, `${run.id} has ${shape.stages.length} stages and was given ${gang.length} devices`);
    const { resume, firstStep, checkpointId } = await this.resumeSource.find(tx, run, shape.model);
    const { stepTimeMs, simulation } = predictStep(shape, gang.map(gflopsOf));
    const { sha256, bytes, dtype, tokens } = dataset;
    return {
      runId: run.id, fence, spec: run.spec, model: shape.model,
      stages: shape.stages.map(({ firstLayer, layerCount, embedding, head }) => ({ firstLayer, layerCount, embedding, head })),
      peers: gang.map(({ id, dataAddress }, rank) => ({ rank, agentId: id, address: dataAddress })),
      dataset: { sha256, bytes, dtype, tokens },
      resume, firstStep, lastStep: run.spec.train.steps,
      resumeCheckpointId: checkpointId,
      predicted: { stepTimeMs, bubbleOfTotal: simulation.bubbleOfTotal },
    };
  }
}

interface Planned {
  readonly run: RunRecord;
  readonly shaped: ShapedRun;
  readonly gang: Gang;
  readonly fence: number;
}
