import { parseRunSpec } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import type { PendingRun } from '@millrace/scheduler';
import { FakeClock } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import type { DatabaseClock } from '../../ground/database/database-clock';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { ArrangedRun, RunPlansService } from '../plans/run-plans.service';
import type { FittingChangesService } from './fitting-changes.service';
import { PlacementPlannerService, type WaitingRun, type WaitingRuns } from './placement-planner.service';

const clock = new FakeClock();
const agent = (name: string, holder: string | null = null): AgentWithLease =>
  ({
    id: name,
    host: name,
    device: 0,
    labels: {},
    benchmark: {},
    adapter: {},
    isHere: true,
    draining: false,
    setAside: null,
    lease: holder === null ? null : { runId: holder, expiresAt: new Date(clock.now() + 1000) },
  }) as unknown as AgentWithLease;

function waiting(...ids: string[]): Map<string, WaitingRun> {
  const spec = parseRunSpec({
    name: 'auto',
    model: { family: 'gpt2', layers: 4, heads: 1, hidden: 8, context: 8 },
    data: { dataset: 'bytes' },
    train: { steps: 1, batch: { global: 1, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
    parallel: { pp: 2 },
  });
  const runs = ids.map((id, index) => ({
    id,
    priority: 50,
    createdAt: new Date(index),
    retryAt: null,
    spec,
    datasetId: 'ds',
  }));
  return new Map(runs.map((run) => [run.id, { run, outline: undefined }]));
}

/** A planner that takes the last two devices; `asked` lists what was planned. */
function planner(asked: string[], refuse: Record<string, AppError | undefined> = {}): PlacementPlannerService {
  const plans = {
    arranged: ({ id }: { id: string }, offered: readonly AgentWithLease[]) => {
      asked.push(`${id}: ${offered.map((each) => each.id).join(' ')}`);
      const error = refuse[id];
      if (error !== undefined) return Promise.reject(error);
      return Promise.resolve({ gang: offered.slice(-2), placed: {} } as unknown as ArrangedRun);
    },
  } as unknown as RunPlansService;
  const changes = {
    told: (pending: readonly PendingRun[]) => Promise.resolve([...pending]),
  } as unknown as FittingChangesService;
  const time = { now: () => Promise.resolve(new Date(clock.now())) } as DatabaseClock;
  return new PlacementPlannerService(plans, time, changes);
}

async function outcome(service: PlacementPlannerService, runs: WaitingRuns): Promise<unknown> {
  const { placements, pending } = await service.plan(runs);
  return [
    ...placements.map(({ runId, agentIds }) => `${runId} on ${agentIds.join(' ')}`),
    ...pending.map(({ runId, reason }) => `${runId} ${reason.code}`),
  ];
}

describe('PlacementPlannerService', () => {
  it('plans each run once, with the devices that it may have, and none that has to wait', async () => {
    const asked: string[] = [];
    const agents = [agent('a'), agent('b'), agent('c'), agent('d'), agent('e', 'run_0')];
    const queue = waiting('run_1', 'run_2', 'run_3', 'run_4');
    expect(await outcome(planner(asked), { queue, agents, lane: 'runs' })).toEqual([
      'run_1 on c d',
      'run_2 on a b',
      'run_3 BEHIND_OTHER_RUN',
      'run_4 BEHIND_OTHER_RUN',
    ]);
    expect(asked).toEqual(['run_1: a b c d', 'run_2: a b']);
  });

  it('goes on with the others where one cannot be planned', async () => {
    const unplannable = new AppError({ code: 'PIPELINE.NO', kind: 'invalid', message: 'no' });
    const service = planner([], { run_1: unplannable });
    const runs = { queue: waiting('run_1', 'run_2'), agents: [agent('a'), agent('b')], lane: 'runs' } as const;
    expect(await outcome(service, runs)).toEqual(['run_2 on a b']);
    expect([...(await service.plan(runs)).failures]).toEqual([['run_1', unplannable]]);
  });
});
