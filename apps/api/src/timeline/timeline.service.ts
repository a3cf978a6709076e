import { Injectable } from '@nestjs/common';
import type { TimedAction } from '@millrace/pipeline';
import type { AttemptRecord } from '../attempts/attempt-record';
import { AttemptsRepository } from '../attempts/attempts.repository';
import { AgentsRepository } from '../agents/agents.repository';
import { runNotFound } from '../runs/runs.errors';
import { RunsRepository } from '../runs/runs.repository';
import { speedOf } from '../planning/device-speed';
import { predictStep } from '../scheduling/predict-step';
import { RunShapesService } from '../scheduling/run-shapes.service';
import { type ChromeTrace, executedEvents, plannedEvents } from './chrome-trace';
import { TraceStore } from './trace-store';

/** The last steps of a run for a trace viewer: what was executed, beside what the simulation expected. */
@Injectable()
export class TimelineService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly agents: AgentsRepository,
    private readonly shapes: RunShapesService,
    private readonly traces: TraceStore,
  ) {}

  /** Without events when nothing was traced yet, or since the API started. @throws AppError RUN.NOT_FOUND */
  async chromeTrace(runId: string): Promise<ChromeTrace> {
    const run = await this.runs.find(runId);
    if (!run) throw runNotFound(runId);
    const batches = this.traces.of(runId);
    const fence = batches.at(-1)?.fence ?? run.fence;
    const attempt = await this.attempts.find(undefined, { runId, fence });
    const planned = attempt && batches.length > 0 ? await this.planned(run, attempt) : undefined;
    return {
      displayTimeUnit: 'ms',
      traceEvents: [...executedEvents(batches), ...(planned ? plannedEvents(batches, planned) : [])],
      metadata: { runId, fence, predictedStepTimeMs: attempt?.plan.predicted.stepTimeMs ?? null },
    };
  }

  /**
   * Undefined when a device's speed is not known: the plan then has no times. Without a flush a step has no plan of its
   * own.
   */
  private async planned(
    run: Parameters<RunShapesService['of']>[0],
    attempt: AttemptRecord,
  ): Promise<readonly (readonly TimedAction[])[] | undefined> {
    const { shape } = await this.shapes.of(
      run,
      attempt.plan.stages.map(({ layerCount }) => layerCount),
    );
    const agents = await this.agents.all();
    const speeds = attempt.plan.peers.map(({ agentId }) => {
      const agent = agents.find(({ id }) => id === agentId);
      return agent && speedOf(agent);
    });
    const { stepTimeMs, simulation } = predictStep(shape, speeds);
    return stepTimeMs === null || shape.schedule.updates.mode !== 'flush' ? undefined : simulation.actions;
  }
}
