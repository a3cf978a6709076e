import { describe, expect, it } from 'vitest';
import type { AttemptStatus } from '../../../ledger/runs/attempt-record';
import type { LeaseRecord } from '../../../ledger/runs/leases.repository';
import { desiredCommands, parseCommandId } from './desired-commands';

const lease: LeaseRecord = { agentId: 'agent_a', runId: 'run_1', fence: 3, rank: 0 };

const NOW_MS = 100_000;
const now = { nowMs: NOW_MS, leaseMs: 40_000 };

function attempt(changes: Partial<AttemptStatus>): AttemptStatus {
  return {
    id: 'attempt_1',
    runId: 'run_1',
    fence: 3,
    state: 'running',
    failure: null,
    boundary: null,
    comparison: null,
    fromStep: 1,
    ranks: { 0: { agent: 'agent_a', state: 'running', step: 4 }, 1: { agent: 'agent_b', state: 'pending', step: 0 } },
    createdAt: new Date(0),
    startedAt: null,
    finishedAt: null,
    ...changes,
  };
}

describe('desiredCommands', () => {
  it('starts a rank until it has taken the start', () => {
    expect(desiredCommands({ ...lease, rank: 1 }, attempt({}), now)).toEqual([{ kind: 'start', id: 'start:run_1:3' }]);
    expect(desiredCommands(lease, attempt({}), now)).toEqual([]);
  });

  it('stops every rank that still has a lease of an attempt that is over', () => {
    for (const [state, reason] of [
      ['cancelled', 'cancel'],
      ['lost', 'lost'],
      ['failed', 'superseded'],
    ] as const) {
      const value = { commandId: 'stop:run_1:3', runId: 'run_1', fence: 3, reason };
      expect(desiredCommands({ ...lease, rank: 1 }, attempt({ state }), now)).toEqual([
        { kind: 'send', id: 'stop:run_1:3', body: { $case: 'stopAttempt', value } },
      ]);
    }
  });

  it('gives the ranks of a run that ended as numerics a moment to hand over their last checkpoint', () => {
    const failure = { class: 'numerics' as const, code: 'STAGE.NUMERICS', message: 'the loss is NaN' };
    const ended = (agoMs: number): AttemptStatus =>
      attempt({ state: 'failed', failure, finishedAt: new Date(NOW_MS - agoMs) });
    expect(desiredCommands(lease, ended(4_999), now)).toEqual([]);
    expect(desiredCommands(lease, ended(5_000), now)).toMatchObject([{ id: 'stop:run_1:3' }]);
    // The lease runs out by itself; the stop is sent before that.
    expect(desiredCommands(lease, ended(500), { ...now, leaseMs: 2_000 })).toMatchObject([{ id: 'stop:run_1:3' }]);
    const other = { ...ended(0), failure: { ...failure, class: 'internal' as const } };
    expect(desiredCommands(lease, other, now)).toMatchObject([{ id: 'stop:run_1:3' }]);
  });

  it('asks rank 0 alone for a boundary, until it has said that it will', () => {
    const boundary = { sequence: 2, checkpoint: true, stop: false, acknowledged: false };
    expect(desiredCommands(lease, attempt({ boundary }), now)).toMatchObject([
      { id: 'boundary:run_1:3:2', body: { $case: 'requestBoundary', value: { checkpoint: true, stop: false } } },
    ]);
    expect(desiredCommands(lease, attempt({ boundary: { ...boundary, acknowledged: true } }), now)).toEqual([]);
    const ranks = { ...attempt({}).ranks, 1: { agent: 'agent_b', state: 'running', step: 4 } } as const;
    expect(desiredCommands({ ...lease, rank: 1 }, attempt({ boundary, ranks }), now)).toEqual([]);
  });
});

describe('parseCommandId', () => {
  it('reads what it wrote, and nothing else', () => {
    expect(parseCommandId('start:run_1:3')).toEqual({ kind: 'start', runId: 'run_1', fence: 3 });
    expect(parseCommandId('boundary:run_1:3:2')).toEqual({ kind: 'boundary', runId: 'run_1', fence: 3, sequence: 2 });
    for (const id of ['generate:gen_1', 'start:run_1', 'boundary:run_1:3', ''])
      expect(parseCommandId(id)).toBeUndefined();
  });
});
