import { parseRunSpec } from '@millrace/contracts';
import { expect, it } from 'vitest';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { PlanBasis } from '../../ledger/runs/plan-basis';
import type { PlanningKnowledgeService } from './planning-knowledge.service';
import type { PlanningLane, PlanningThreads } from './planning-threads';
import { RunPlansService } from './run-plans.service';
import type { PlannableRun, RunShapesService } from './run-shapes.service';

const run = {
  id: 'run_1',
  spec: parseRunSpec({
    name: 'auto',
    model: { family: 'gpt2', layers: 4, heads: 1, hidden: 8, context: 8 },
    data: { dataset: 'bytes' },
    train: { steps: 1, batch: { global: 1, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
    parallel: { pp: 2 },
  }),
} as PlannableRun;
const agents = [{ id: 'a' }, { id: 'b' }] as AgentWithLease[];

/** A service whose devices are always too small; `answers` says for which lane the planner ever answers. */
function scene(answers: Record<PlanningLane, boolean>): { plans: RunPlansService; asked: string[] } {
  const asked: string[] = [];
  const basis: PlanBasis = { devices: agents.map(({ id }) => ({ label: id, benchmark: {} })), links: [[], []] };
  const plans = new RunPlansService(
    { model: () => Promise.resolve({}) } as unknown as RunShapesService,
    { of: () => Promise.resolve(() => basis) } as unknown as PlanningKnowledgeService,
    {
      ask: (lane: PlanningLane, operation: string) => {
        asked.push(`${lane}: ${operation}`);
        return answers[lane] ? Promise.resolve(undefined) : new Promise(() => undefined);
      },
    } as unknown as PlanningThreads,
  );
  return { plans, asked };
}

it('lets no run wait for the answer to a question, though it is about the same plan', async () => {
  const { plans, asked } = scene({ questions: false, runs: true });
  void plans.arranged(run, agents, 'questions');
  expect(await plans.arranged(run, agents, 'runs')).toBeUndefined();
  expect(asked).toEqual(['questions: plan', 'runs: plan']);
});

it('answers a question from what was planned for a run, and a run from a question that was answered', async () => {
  for (const lanes of [
    ['runs', 'questions'],
    ['questions', 'runs'],
  ] as const) {
    const { plans, asked } = scene({ questions: true, runs: true });
    for (const lane of lanes) await plans.arranged(run, agents, lane);
    expect(asked).toEqual([`${lanes[0]}: plan`]);
  }
});
