import { Injectable } from '@nestjs/common';
import type { PendingRun } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { planSizes } from '../../ledger/runs/plan-basis';
import { distinctDevices, namelessBasis } from '../plans/device-choice';
import { PlanningKnowledgeService } from '../plans/planning-knowledge.service';
import { type PlanningLane, PlanningThreads } from '../plans/planning-threads';
import { type PlannableRun, RunShapesService } from '../plans/run-shapes.service';
import type { RunPlanOptions } from '../threads/plan-run';

const CACHED_MAX = 256;
/** So many waiting runs are told at once what would make them fit. */
const TOLD_MAX = 16;

interface Known {
  readonly text: Promise<string | undefined>;
  isDone: boolean;
}

/** Knows what would make runs fit devices whose memory is too small for them. */
@Injectable()
export class FittingChangesService {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly shapes: RunShapesService,
    private readonly knowledge: PlanningKnowledgeService,
    private readonly threads: PlanningThreads,
  ) {}

  /**
   * Adds what would make them fit to the reasons of runs that wait for memory. It takes several plans to find out: a
   * question waits for them, and a pass over the queue, which has others to place, says what is known by then.
   */
  async told(
    pending: readonly PendingRun[],
    runs: ReadonlyMap<string, { readonly run: PlannableRun }>,
    { agents, lane }: { readonly agents: readonly AgentWithLease[]; readonly lane: PlanningLane },
  ): Promise<PendingRun[]> {
    const short = new Set(pending.filter(({ reason }) => reason.short !== undefined).slice(0, TOLD_MAX));
    return Promise.all(
      pending.map(async (each) => {
        const { reason, runId } = each;
        const run = runs.get(runId)?.run;
        if (!short.has(each) || run === undefined) return each;
        const devices = agents.filter(({ id }) => reason.short?.includes(id) === true);
        const text = await this.of(run, devices, lane).catch(() => undefined);
        return text === undefined ? each : { ...each, reason: { ...reason, sentence: `${reason.sentence}: ${text}` } };
      }),
    );
  }

  private async of(
    run: PlannableRun,
    agents: readonly AgentWithLease[],
    lane: PlanningLane,
  ): Promise<string | undefined> {
    const model = await this.shapes.model(run);
    const basis = (await this.knowledge.of(run, model, agents))(agents);
    // Links change no memory, and neither do names of runs and devices.
    const unlinked = { ...basis, links: [] };
    const { devices } = namelessBasis(unlinked, distinctDevices(unlinked, agents.length));
    const key = JSON.stringify([
      planSizes(run.spec, model),
      devices.map(({ memoryBytes, isSoftware }) => [memoryBytes, isSoftware]),
    ]);
    const known = this.known.get(key) ?? this.find(key, { spec: run.spec, model, devices, deviceOrder: 'free' });
    return lane === 'questions' || known.isDone ? known.text : undefined;
  }

  private find(key: string, options: RunPlanOptions): Known {
    const [oldest] = this.known.keys();
    if (oldest !== undefined && this.known.size >= CACHED_MAX) this.known.delete(oldest);
    const text = this.threads.ask('questions', 'fittingChanges', options);
    const known: Known = { text, isDone: false };
    this.known.set(key, known);
    text.then(
      () => (known.isDone = true),
      () => this.known.get(key) === known && this.known.delete(key),
    );
    return known;
  }
}
