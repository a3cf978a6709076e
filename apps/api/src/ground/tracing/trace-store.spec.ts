import { expect, it } from 'vitest';
import { agentV1 } from '@millrace/contracts';
import { SPANS_TOTAL_MAX, TraceStore } from './trace-store';

const SPAN = { action: '0F0', startMs: 0, endMs: 1, cause: 'compute' };
const batch = (runId: string, step: number, spanCount: number): agentV1.TraceBatch =>
  agentV1.TraceBatch.fromPartial({ runId, fence: 1, step, spans: Array.from({ length: spanCount }, () => SPAN) });

it('keeps a bounded number of spans in all, and forgets the oldest steps of the run that was traced longest ago', () => {
  const store = new TraceStore();
  store.add(batch('old', 1, 20_000));
  store.add(batch('old', 2, 20_000));
  const stepCount = SPANS_TOTAL_MAX / 20_000 - 1;
  for (let step = 1; step <= stepCount; step++) store.add(batch('new', step, 20_000));
  expect(store.of('old').map(({ step }) => step)).toEqual([2]);
  expect(store.of('new')).toHaveLength(stepCount);
});

it('leaves out spans whose text no schedule writes', () => {
  const store = new TraceStore();
  const spans = [SPAN, { ...SPAN, action: 'x'.repeat(7_000_000) }];
  store.add(agentV1.TraceBatch.fromPartial({ runId: 'run', fence: 1, step: 1, spans }));
  expect(store.of('run')[0]?.spans).toEqual([SPAN]);
});
