import { Injectable } from '@nestjs/common';
import type { RunSpec } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import type { ModelConfig } from '@millrace/model';
import type { Plan } from '@millrace/pipeline';
import type { QueuedRun } from '@millrace/scheduler';
import type { AgentWithLease } from '../agents/agents.repository';
import type { RunRecord } from '../runs/run-record';
import { queuedRun } from '../scheduling/inventory';
import type { RunShape } from '../scheduling/run-shape';
import { RunShapesService, type ShapedRun } from '../scheduling/run-shapes.service';
import { plannable } from './plannable-device';
import { planRun, type RunPlanOptions } from './plan-run';

const CACHED_MAX = 256;

/**
 * Splits runs over devices. A plan is a function of the run and of what its devices told at their start, so a pass over
 * the queue finds those of the pass before.
 */
@Injectable()
export class RunPlansService {
  private readonly cache = new Map<string, Plan | undefined>();

  constructor(private readonly shapes: RunShapesService) {}

  /** As its spec alone has it. */
  unplaced(run: RunRecord): Promise<ShapedRun> {
    return this.shapes.of(run);
  }

  /** For the scheduler, which gives the devices that it may have of `agents` to choose from. */
  queued(
    run: Pick<RunRecord, 'id' | 'priority' | 'createdAt' | 'spec'>,
    shape: RunShape,
    agents: readonly AgentWithLease[],
  ): QueuedRun {
    return queuedRun(run, shape, (devices) => {
      const offered = devices.flatMap(({ id }) => agents.find((agent) => agent.id === id) ?? []);
      const plan = this.planned(run.spec, shape.model, { agents: offered, deviceOrder: 'free' });
      return plan?.ranks.map(({ device }) => offered[device]?.id ?? '');
    });
  }

  /** Split over the gang, index = rank; undefined when its memory holds no split. */
  async placed(run: RunRecord, gang: readonly AgentWithLease[]): Promise<ShapedRun | undefined> {
    const shaped = await this.shapes.of(run);
    if (run.spec.parallel.partition !== 'auto') return shaped;
    const plan = this.planned(run.spec, shaped.shape.model, { agents: gang, deviceOrder: 'given' });
    return plan && this.shapes.of(run, plan.layersPerStage);
  }

  private planned(spec: RunSpec, model: ModelConfig, { agents, deviceOrder }: Choice): Plan | undefined {
    const devices = agents.map(plannable);
    const key = JSON.stringify([spec, model, deviceOrder, devices]);
    if (!this.cache.has(key)) {
      if (this.cache.size >= CACHED_MAX) this.cache.clear();
      this.cache.set(key, planIfItFits({ spec, model, devices, deviceOrder }));
    }
    return this.cache.get(key);
  }
}

interface Choice {
  readonly agents: readonly AgentWithLease[];
  readonly deviceOrder: RunPlanOptions['deviceOrder'];
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
