import { Injectable } from '@nestjs/common';
import { AppError } from '@millrace/core';
import type { Plan } from '@millrace/pipeline';
import type { QueuedRun } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { RunRecord } from '../../ledger/runs/run-record';
import { queuedRun } from './queued-run';
import type { RunShape } from './run-shape';
import { RunShapesService, type ShapedRun } from './run-shapes.service';
import type { PlanBasis } from '../../ledger/runs/plan-basis';
import { PlanningKnowledgeService } from './planning-knowledge.service';
import { planRun, type RunPlanOptions } from './plan-run';

const CACHED_MAX = 256;

/** A run split over its gang, and what that was told from. */
export interface PlacedRun {
  readonly shaped: ShapedRun;
  /** Undefined when nothing could be planned: the layers are as the spec fixed them. */
  readonly plan: Plan | undefined;
  readonly basis: PlanBasis;
}

/**
 * Splits runs over devices. A plan is a function of the run and of what was measured of its devices, so a pass over the
 * queue finds those of the pass before.
 */
@Injectable()
export class RunPlansService {
  private readonly cache = new Map<string, Plan | undefined>();

  constructor(
    private readonly shapes: RunShapesService,
    private readonly knowledge: PlanningKnowledgeService,
  ) {}

  /** As its spec alone has it. */
  unplaced(run: RunRecord): Promise<ShapedRun> {
    return this.shapes.of(run);
  }

  /** For the scheduler, which gives the devices that it may have of `agents` to choose from. */
  async queued({ run, shape }: Unplanned, agents: readonly AgentWithLease[]): Promise<QueuedRun> {
    const basisOf = await this.knowledge.of(run, shape.model, agents);
    return queuedRun(run, shape, (devices) => {
      const offered = devices.flatMap(({ id }) => agents.find((agent) => agent.id === id) ?? []);
      const plan = this.planned({ spec: run.spec, model: shape.model, ...basisOf(offered), deviceOrder: 'free' });
      return plan?.ranks.map(({ device }) => offered[device]?.id ?? '');
    });
  }

  /** Split over the gang, index = rank; undefined when its memory holds no split. */
  async placed(run: RunRecord, gang: readonly AgentWithLease[]): Promise<PlacedRun | undefined> {
    const shaped = await this.shapes.of(run);
    const { model } = shaped.shape;
    const basis = (await this.knowledge.of(run, model, gang))(gang);
    const options = { spec: run.spec, model, ...basis, deviceOrder: 'given' } as const;
    if (run.spec.parallel.partition !== 'auto') return { shaped, plan: this.plannedIfPossible(options), basis };
    const plan = this.planned(options);
    return plan && { shaped: await this.shapes.of(run, plan.layersPerStage), plan, basis };
  }

  /** The layers are fixed, whether the planner would have taken them or not. */
  private plannedIfPossible(options: RunPlanOptions): Plan | undefined {
    try {
      return this.planned(options);
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }

  private planned(options: RunPlanOptions): Plan | undefined {
    const key = JSON.stringify(options);
    if (!this.cache.has(key)) {
      if (this.cache.size >= CACHED_MAX) this.cache.clear();
      this.cache.set(key, planIfItFits(options));
    }
    return this.cache.get(key);
  }
}

interface Unplanned {
  readonly run: Pick<RunRecord, 'id' | 'priority' | 'createdAt' | 'retryAt' | 'spec'>;
  readonly shape: RunShape;
}

/** Undefined when no split fits the memory of the devices. */
export function planIfItFits(options: RunPlanOptions): Plan | undefined {
  try {
    return planRun(options);
  } catch (error) {
    if (error instanceof AppError && error.code === 'PIPELINE.PLAN_DOES_NOT_FIT') return undefined;
    throw error;
  }
}
