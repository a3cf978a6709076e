import { Injectable } from '@nestjs/common';
import type { LinkTraffic, TimelineBody } from '@millrace/contracts';
import { placeStages, type TimedAction } from '@millrace/pipeline';
import type { AttemptRecord } from '../../ledger/runs/attempt-record';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { runNotFound } from '../../ledger/runs/runs.errors';
import { RunsRepository } from '../../ledger/runs/runs.repository';
import { speedOf } from '../../ledger/agents/device-speed';
import { PlanningThreads } from '../../planning/plans/planning-threads';
import { type ChromeTrace, traceEvents } from './chrome-trace';
import { linkTraffic } from './link-traffic';
import { type TimelinePlan, type TimelineStep, timelineSteps, toldSteps } from './timeline-steps';
import { TraceStore } from '../../ground/tracing/trace-store';

interface Timeline {
  readonly fence: number;
  /** Null when a device's speed is not known. */
  readonly predictedStepTimeMs: number | null;
  /** The agents, indexed by rank. */
  readonly agents: readonly string[];
  readonly links: readonly LinkTraffic[];
  readonly steps: readonly TimelineStep[];
}

const PLANS_MAX = 32;

/** The planned actions, indexed by rank. */
type PlannedActions = readonly (readonly TimedAction[])[];

/** The last steps of a run: what was executed, beside what the simulation expected. */
@Injectable()
export class TimelineService {
  /** Plans by run, fence and the speeds of the devices. */
  private readonly plans = new Map<string, PlannedActions>();

  constructor(
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly agents: AgentsRepository,
    private readonly traces: TraceStore,
    private readonly threads: PlanningThreads,
  ) {}

  /** Has no events if nothing was traced yet, or not since the API started. @throws AppError RUN.NOT_FOUND */
  async chromeTrace(runId: string, stepCount?: number): Promise<ChromeTrace> {
    const { steps, agents, fence, predictedStepTimeMs } = await this.timeline(runId, stepCount);
    const known = new Map((await this.agents.all()).map(({ id, host, device }) => [id, `${host}:${device}`]));
    const names = agents.map((id) => (known.has(id) ? `${known.get(id)} (${id})` : id));
    return {
      displayTimeUnit: 'ms',
      traceEvents: traceEvents(steps, names),
      metadata: { runId, fence, predictedStepTimeMs },
    };
  }

  /** @throws AppError RUN.NOT_FOUND */
  async json(runId: string, stepCount?: number): Promise<TimelineBody> {
    const { steps, agents, links, ...rest } = await this.timeline(runId, stepCount);
    const bare = (spans: TimelineStep['spans']): TimelineBody['steps'][number]['spans'] =>
      spans.map(({ action: _, ...span }) => span);
    return {
      runId,
      ...rest,
      agents: [...agents],
      links: [...links],
      steps: steps.map(({ spans, planned, ...step }) => ({ ...step, spans: bare(spans), planned: bare(planned) })),
    };
  }

  /** The newest `stepCount` traced steps, or all that are kept. */
  private async timeline(runId: string, stepCount = Infinity): Promise<Timeline> {
    const run = await this.runs.find(runId);
    if (!run) throw runNotFound(runId);
    const all = this.traces.of(runId);
    const newest = new Set(toldSteps(all).slice(-stepCount));
    const batches = all.filter(({ step }) => newest.has(step));
    const fence = batches.at(-1)?.fence ?? run.fence;
    const attempt = await this.attempts.find(undefined, { runId, fence });
    if (!attempt) return { fence, predictedStepTimeMs: null, agents: [], links: [], steps: [] };
    const { peers, rankOfStage, predicted } = attempt.plan;
    const placement = placeStages(rankOfStage, peers.length);
    const plan: TimelinePlan = { placement, actions: batches.length > 0 ? await this.planned(attempt) : [] };
    const agents = peers.toSorted((a, b) => a.rank - b.rank).map(({ agentId }) => agentId);
    const links = linkTraffic(all.filter((batch) => batch.fence === fence));
    const steps = timelineSteps(batches, plan);
    return { fence, predictedStepTimeMs: predicted.stepTimeMs, agents, links, steps };
  }

  /** Empty when a device's speed is not known, since the plan then has no times. */
  private async planned({ runId, fence, plan }: AttemptRecord): Promise<PlannedActions> {
    const agents = await this.agents.all();
    const speeds = plan.peers.map(({ agentId }) => {
      const agent = agents.find(({ id }) => id === agentId);
      return agent && speedOf(agent);
    });
    const key = JSON.stringify([runId, fence, speeds]);
    const cached = this.plans.get(key);
    if (cached !== undefined) return cached;
    const { spec, model, predicted } = plan;
    const layersPerStage = plan.stages.map(({ layerCount }) => layerCount);
    const { stageSeconds } = predicted;
    const actions = await this.threads.ask('questions', 'plannedActions', {
      ...{ spec, model, layersPerStage, speeds, stageSeconds },
    });
    if (this.plans.size >= PLANS_MAX) this.plans.clear();
    this.plans.set(key, actions);
    return actions;
  }
}
