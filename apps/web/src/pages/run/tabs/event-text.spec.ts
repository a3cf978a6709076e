import { describe, expect, it } from 'vitest';
import { eventText } from './event-text';

describe('the sentence of an event', () => {
  it('tells a change of state with its reason', () => {
    const data = { from: 'running', state: 'recovering', step: 12, reason: { code: 'X', message: 'agent lost' } };
    expect(eventText({ type: 'run.state', data })).toBe('running → recovering at step 12: agent lost');
    expect(eventText({ type: 'run.state', data: { state: 'queued', step: 0 } })).toBe('queued at step 0');
    const submitted = { from: null, state: 'queued', step: 0 };
    expect(eventText({ type: 'run.state', data: submitted })).toBe('queued at step 0');
  });

  it('tells why a run waits', () => {
    const data = { code: 'TOO_FEW_DEVICES', message: 'it needs 3 devices, and there are 2' };
    expect(eventText({ type: 'run.pending', data })).toBe(data.message);
  });

  it('tells attempts and checkpoints', () => {
    const attempt = { number: 2, fence: 4, state: 'scheduled', agents: ['agent_1'], fromStep: 5, failure: null };
    expect(eventText({ type: 'run.attempt', data: attempt })).toBe('attempt 2 is scheduled on agent_1, from step 5');
    const checkpoint = { step: 50, bytes: 2_492_928, state: 'durable' };
    expect(eventText({ type: 'run.checkpoint', data: checkpoint })).toBe(
      'the checkpoint of step 50 is durable, 2.4 MiB',
    );
    const old = { step: 50, state: 'deleted', reason: 'keepCheckpoints' };
    expect(eventText({ type: 'run.checkpoint', data: old })).toMatch(/is deleted: the run keeps newer ones/);
    const full = { step: 50, state: 'failed', reason: 'the disk is full' };
    expect(eventText({ type: 'run.checkpoint', data: full })).toBe(
      'the checkpoint of step 50 failed: the disk is full',
    );
  });

  it('tells what a rank that starts does', () => {
    const data = { fence: 1, rank: 1, agent: 'agent_1', phase: 'loading' };
    expect(eventText({ type: 'run.starting', data })).toBe('rank 1 on agent_1 loads its weights');
    expect(eventText({ type: 'run.starting', data: { ...data, phase: 'later' } })).toContain('phase later');
  });

  it('tells what a comparison with the plan came to', () => {
    const data = { measuredStepTimeMs: 375.08, predictedStepTimeMs: 999.5, gain: 0, replan: false };
    const sentence = 'a step takes 375 ms, 1.0 s was predicted; the split stays';
    expect(eventText({ type: 'run.plan_compared', data })).toBe(sentence);
  });

  it('names the fields of what it does not know, and says nothing of nothing', () => {
    expect(eventText({ type: 'new.kind', data: { name: 'a', none: null, list: [1, 2] } })).toBe('name a · list 1, 2');
    expect(eventText({ type: 'new.kind', data: null })).toBe('');
  });
});
