import { modelConfigOf, parseRunSpec } from '@millrace/contracts';
import type { PendingRun } from '@millrace/scheduler';
import { expect, it } from 'vitest';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { PlanningKnowledgeService } from '../plans/planning-knowledge.service';
import type { PlanningThreads } from '../plans/planning-threads';
import type { PlannableRun, RunShapesService } from '../plans/run-shapes.service';
import { FittingChangesService } from './fitting-changes.service';

const spec = parseRunSpec({
  name: 'large',
  model: { family: 'gpt2', layers: 4, heads: 1, hidden: 8, context: 8 },
  data: { dataset: 'bytes' },
  train: { steps: 1, batch: { global: 1, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
});
const runs = new Map([['run_1', { run: { id: 'run_1', spec } as PlannableRun }]]);
const half = { ...spec, train: { ...spec.train, precision: 'f16' as const } };
const halfRuns = new Map([['run_1', { run: { id: 'run_2', spec: half } as PlannableRun }]]);
const agents = ['a', 'b'].map((id) => ({ id }) as AgentWithLease);
const nearest = { devices: [], missingDevices: 0 };
const reason = { code: 'CONSTRAINTS_UNSATISFIABLE', sentence: 'it does not fit', nearest } as const;
const short: PendingRun = { runId: 'run_1', reason: { ...reason, short: ['a'] }, idle: [] };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets a question wait for what would fit, and a pass over the queue say it once it is known', async () => {
  const asked: unknown[] = [];
  let answer: (text: string) => void = () => undefined;
  const threads = {
    ask: (_lane: string, operation: string, { devices }: { devices: unknown[] }) => {
      asked.push([operation, devices.length]);
      return new Promise<string>((resolve) => (answer = resolve));
    },
  } as unknown as PlanningThreads;
  const model = { model: () => Promise.resolve(modelConfigOf(spec, 256)) } as unknown as RunShapesService;
  const device = { label: 'a:0', memoryBytes: 1000, benchmark: {} };
  const knowledge = {
    of: () => Promise.resolve((chosen: unknown[]) => ({ devices: chosen.map(() => device), links: [] })),
  } as unknown as PlanningKnowledgeService;
  const changes = new FittingChangesService(model, knowledge, threads);
  const sentence = async (lane: 'runs' | 'questions', pending = short, of = runs): Promise<string | undefined> =>
    (await changes.told([pending], of, { agents, lane }))[0]?.reason.sentence;

  expect(await sentence('runs')).toBe('it does not fit');
  const question = sentence('questions');
  await turn();
  answer('it fits with parallel.recompute full');
  expect(await question).toBe('it does not fit: it fits with parallel.recompute full');
  expect(await sentence('runs')).toBe('it does not fit: it fits with parallel.recompute full');
  expect(await sentence('questions', { ...short, reason })).toBe('it does not fit');
  expect(asked).toEqual([['fittingChanges', 1]]);
  // In another precision other changes may do.
  expect(await sentence('runs', short, halfRuns)).toBe('it does not fit');
  expect(asked).toHaveLength(2);
});
