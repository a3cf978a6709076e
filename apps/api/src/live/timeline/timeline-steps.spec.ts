import { placeStages, type TimedAction } from '@millrace/pipeline';
import type { agentV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { traceEvents } from './chrome-trace';
import { timelineSteps, toldSteps } from './timeline-steps';

/** A V of two ranks: rank 0 holds the stages 0 and 3. */
const placement = placeStages([0, 1, 1, 0], 2);

const span = (action: string, cause: string, startMs: number, endMs: number): agentV1.TraceSpan => ({
  action,
  cause,
  startMs,
  endMs,
});
const batch = (rank: number, step: number, spans: agentV1.TraceSpan[]): agentV1.TraceBatch => ({
  ...{ runId: 'run_a', fence: 2, rank, step },
  ...{ spans, sent: [], countedMs: 0 },
});
const planned: TimedAction[][] = [
  [{ action: { kind: 'F', stage: 0, microBatch: 0 }, start: 0, end: 2 }],
  [{ action: { kind: 'F', stage: 1, microBatch: 0 }, start: 2, end: 4 }],
];
const BATCHES = [
  batch(0, 1, [
    span('0STEP', 'optimizer', 1000, 1001),
    span('0F0', 'compute', 1002, 1004),
    span('3I0', 'compute', 1009, 1010),
  ]),
  batch(1, 1, [
    span('wait:1RECV_F0', 'wait-input', 1001.5, 1005),
    span('1RECV_F0', 'receive', 1005, 1005.25),
    span('wait:commit', 'wait-commit', 1010, 1011),
  ]),
  batch(0, 9, [span('0F0', 'compute', 2000, 2002), span('0F1', 'from the future', 2002, 2003)]),
];

describe('timelineSteps', () => {
  it('says kind, chunk and micro-batch, and lays the plan where the first F began', () => {
    const [first, second] = timelineSteps(BATCHES, { placement, actions: planned });
    expect(first).toMatchObject({ step: 1, startUs: 2000 });
    expect(first!.spans).toEqual([
      { rank: 0, chunk: 0, kind: 'optimizer', microBatch: null, startUs: 0, durationUs: 1000, action: '0STEP' },
      { rank: 0, chunk: 0, kind: 'F', microBatch: 0, startUs: 2000, durationUs: 2000, action: '0F0' },
      { rank: 0, chunk: 1, kind: 'I', microBatch: 0, startUs: 9000, durationUs: 1000, action: '3I0' },
      {
        rank: 1,
        chunk: 0,
        kind: 'wait-input',
        microBatch: 0,
        startUs: 1500,
        durationUs: 3500,
        action: 'wait:1RECV_F0',
      },
      { rank: 1, chunk: 0, kind: 'receive', microBatch: 0, startUs: 5000, durationUs: 250, action: '1RECV_F0' },
      {
        rank: 1,
        chunk: null,
        kind: 'wait-commit',
        microBatch: null,
        startUs: 10_000,
        durationUs: 1000,
        action: 'wait:commit',
      },
    ]);
    expect(first!.planned).toMatchObject([
      { rank: 0, chunk: 0, kind: 'F', startUs: 2000, durationUs: 2000 },
      { rank: 1, chunk: 0, kind: 'F', startUs: 4000, durationUs: 2000, action: '1F0' },
    ]);
    expect(second).toMatchObject({ step: 9, startUs: 1_000_000 });
  });

  it('leaves out what it has no kind for', () => {
    const [, second] = timelineSteps(BATCHES, { placement, actions: [] });
    expect(second!.spans.map(({ action }) => action)).toEqual(['0F0']);
    expect(second!.planned).toEqual([]);
  });

  it('is empty when nothing was traced', () => {
    expect(timelineSteps([], { placement, actions: planned })).toEqual([]);
  });
});

describe('traceEvents', () => {
  it('has a process for each rank, named by its agent, and rows in order with the plan last', () => {
    const events = traceEvents(timelineSteps(BATCHES, { placement, actions: planned }), ['host:0', 'host:1']);
    const names = (kind: string, pid: number): unknown[] =>
      events
        .filter((event) => event.name === kind && event.pid === pid)
        .toSorted((a, b) => a.tid - b.tid)
        .map(({ args }) => args['name']);
    expect(names('process_name', 1)).toEqual(['rank 0: host:0']);
    expect(names('process_name', 2)).toEqual(['rank 1: host:1']);
    expect(names('thread_name', 1)).toEqual(['compute', 'planned']);
    expect(names('thread_name', 2)).toEqual(['waits', 'receives', 'planned']);
  });

  it('puts spans that overlap on rows of their own, and those that touch on one', () => {
    const sends = [
      span('send:0SEND_F0', 'send', 0, 10),
      span('send:0SEND_F1', 'send', 5, 12),
      span('send:0SEND_F2', 'send', 10, 14),
    ];
    const events = traceEvents(timelineSteps([batch(0, 1, sends)], { placement, actions: [] }), ['a']);
    const tids = events.filter(({ ph }) => ph === 'X').map(({ name, tid }) => [name, tid % 1000]);
    expect(tids).toEqual([
      ['send:0SEND_F0', 0],
      ['send:0SEND_F1', 1],
      ['send:0SEND_F2', 0],
    ]);
    expect(events.filter(({ name }) => name === 'thread_name').map(({ args }) => args['name'])).toEqual([
      'sends',
      'sends 2',
    ]);
  });
});

describe('steps that can be shown', () => {
  const batch = (step: number, rank: number) => ({ step, rank });

  it('end with the newest that every rank has told of', () => {
    expect(toldSteps([batch(1, 0), batch(1, 1), batch(2, 0), batch(2, 1), batch(3, 0)])).toEqual([1, 2]);
    expect(toldSteps([batch(1, 0), batch(2, 0), batch(2, 1)])).toEqual([1, 2]);
  });

  it('are all where no step has more ranks than another, and none where nothing was told', () => {
    expect(toldSteps([batch(1, 0), batch(2, 0)])).toEqual([1, 2]);
    expect(toldSteps([])).toEqual([]);
  });
});
