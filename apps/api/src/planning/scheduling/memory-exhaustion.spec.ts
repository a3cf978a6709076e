import { parseRunSpec } from '@millrace/contracts';
import type { PendingCode, PendingReason } from '@millrace/scheduler';
import { expect, it } from 'vitest';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { MemoryLimits } from '../../ledger/runs/plan-basis';
import { Arrangements } from './arrangements';
import { memoryExhaustion } from './memory-exhaustion';

const MINUTE_MS = 60_000;
const nowMs = 100 * MINUTE_MS;

function agent(id: string, changes: Partial<AgentWithLease> = {}): AgentWithLease {
  const present = { isHere: true, setAside: null, lastSeenAt: new Date(nowMs) };
  return { id, host: `host-${id}`, device: 0, ...present, ...changes } as AgentWithLease;
}

interface Scene {
  readonly agents: readonly AgentWithLease[];
  readonly memoryLimits?: MemoryLimits | undefined;
  readonly code?: PendingCode;
}

function codeOf({ agents, code = 'CONSTRAINTS_UNSATISFIABLE', ...given }: Scene): string | undefined {
  const spec = parseRunSpec({
    name: 'large',
    model: { family: 'gpt2', layers: 1, heads: 1, hidden: 8, context: 8 },
    data: { dataset: 'bytes' },
    train: { steps: 1, batch: { global: 1, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
  });
  const memoryLimits = 'memoryLimits' in given ? given.memoryLimits : new Map([['a', 1000]]);
  const run = { id: 'run_1', priority: 1, createdAt: new Date(0), retryAt: null, spec, datasetId: 'ds', memoryLimits };
  const arrangements = new Arrangements();
  arrangements.note('run_1', agents, 'none');
  const reason = { code, sentence: '', nearest: { devices: [], missingDevices: 0 } } satisfies PendingReason;
  return memoryExhaustion(run, { arrangements, nowMs, reason, agents })?.code;
}

it('ends a run whose devices leave no plan, and only such a run', () => {
  const agents = [agent('a'), agent('b')];
  expect(codeOf({ agents })).toBe('SCHEDULING.MEMORY_EXHAUSTED');
  expect(codeOf({ agents, memoryLimits: undefined })).toBeUndefined();
  expect(codeOf({ agents, code: 'WAITING_FOR_DEVICES' })).toBeUndefined();
});

it('waits for a device that is set aside or has left a moment ago, unless it is the one that was too small', () => {
  const left = (id: string, minutes: number): AgentWithLease =>
    agent(id, { isHere: false, lastSeenAt: new Date(nowMs - minutes * MINUTE_MS) });
  const setAside = { until: new Date(nowMs + MINUTE_MS), reason: 'failures' };
  expect(codeOf({ agents: [agent('a'), left('b', 14)] })).toBeUndefined();
  expect(codeOf({ agents: [agent('a'), agent('b', { setAside })] })).toBeUndefined();
  expect(codeOf({ agents: [agent('a'), left('b', 16)] })).toBe('SCHEDULING.MEMORY_EXHAUSTED');
  expect(codeOf({ agents: [left('a', 1), agent('b')] })).toBe('SCHEDULING.MEMORY_EXHAUSTED');
});
