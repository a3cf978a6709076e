import { METRICS, type SpanCause } from '@millrace/contracts';
import { type Clock, sleep, systemClock } from '@millrace/core';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { attemptPlan } from '../../../test/attempt-plans';
import { type Trained, trainRanks } from '../../../test/train-ranks';
import type { TensorFrame } from '../../data-plane/frame';

const DELAY_MS = 40;
const STEPS = 3;
const MICRO_BATCHES = 4;

/** Two ranks under gpipe: all inputs are there before the first gradient is due. */
function trainTwo(delay: (frame: TensorFrame) => number, clock: Clock = systemClock): Promise<Trained> {
  const network = new InMemoryNetwork<TensorFrame>({
    now: () => clock.now(),
    onSend: async (_from, _to, frame) => {
      if (delay(frame) > 0) await sleep(systemClock, delay(frame));
    },
  });
  const plan = attemptPlan({ ranks: 2, schedule: 'gpipe', steps: STEPS, microBatches: MICRO_BATCHES });
  const openBackend = (): ReturnType<typeof openCpuBackend> => openCpuBackend();
  return trainRanks(plan, { openBackend, transport: (rank) => network.transport(rank), clock });
}

function spentMs({ traces }: Trained, rank: number, cause: SpanCause): number {
  const spans = traces.filter((trace) => trace.rank === rank && trace.step === 1).flatMap((trace) => trace.spans);
  return spans.filter((span) => span.cause === cause).reduce((total, { startMs, endMs }) => total + endMs - startMs, 0);
}

describe('a pipeline with a rank whose gradients are late', () => {
  it('shows who waits for what', async () => {
    const trained = await trainTwo(({ edge }) => (edge === 'gradient' ? DELAY_MS : 0));
    // Timers may be a millisecond early.
    const lateMs = (DELAY_MS - 2) * (MICRO_BATCHES - 1);
    expect(spentMs(trained, 0, 'wait-gradient')).toBeGreaterThan(lateMs);
    expect(spentMs(trained, 1, 'send')).toBeGreaterThan(lateMs);
    expect(spentMs(trained, 0, 'compute')).toBeGreaterThan(0);
    expect(spentMs(trained, 1, 'optimizer')).toBeGreaterThan(0);
    // The first stage has no input to wait for, the last one no gradient.
    expect(spentMs(trained, 0, 'wait-input')).toBe(0);
    expect(spentMs(trained, 1, 'wait-gradient')).toBe(0);
    const actions = trained.traces.flatMap(({ spans }) => spans.map(({ action }) => action));
    expect(actions).toEqual(expect.arrayContaining(['1F3', 'wait:0RECV_B0', 'send:1SEND_B0']));
    const gradient = trained.metrics.get('pipeline/wait_seconds/gradient')!;
    const input = trained.metrics.get('pipeline/wait_seconds/input')!;
    for (const [step, seconds] of gradient) expect(seconds).toBeGreaterThan(input.get(step)!);
  });

  it('has one point of each metric in every step, and the bubbles agree', async () => {
    const { metrics } = await trainTwo(() => 0);
    const names = Object.keys(METRICS).filter((name) => name.startsWith('pipeline/'));
    for (const name of names) expect([...metrics.get(name)!.keys()], name).toEqual([1, 2, 3]);
    for (const [step, ofTotal] of metrics.get('pipeline/bubble_ratio')!) {
      expect(ofTotal).toBeGreaterThan(0);
      expect(ofTotal).toBeLessThan(1);
      expect(metrics.get('pipeline/bubble_ratio_ideal')!.get(step)!).toBeCloseTo(ofTotal / (1 - ofTotal), 9);
    }
    expect([...metrics.keys()].filter((name) => METRICS[name] === undefined)).toEqual([]);
  });

  it('counts every byte that the ranks send each other, by receiver and purpose', async () => {
    let sentBytes = 0;
    const weigh = ({ payload }: TensorFrame): number => {
      sentBytes += payload.byteLength;
      return 0;
    };
    const { metrics, traces } = await trainTwo(weigh);
    // Of [micro-batch, context, hidden] in doubles, as the twins have them.
    const tensorBytes = 2 * 7 * 10 * 8;
    const first = traces.filter(({ step }) => step === 1).toSorted((a, b) => a.rank - b.rank);
    expect(first.map(({ sent }) => sent.filter(({ edge }) => edge === 'activation' || edge === 'gradient'))).toEqual([
      [{ toRank: 1, edge: 'activation', frames: MICRO_BATCHES, bytes: MICRO_BATCHES * tensorBytes }],
      [{ toRank: 0, edge: 'gradient', frames: MICRO_BATCHES, bytes: MICRO_BATCHES * tensorBytes }],
    ]);
    // The first step's time has the ranks' getting ready in it.
    for (const { step, countedMs } of traces) expect(countedMs > 0).toBe(step > 1);
    // What follows the last step's account, the accounts themselves and a last validation pass, belongs to no step.
    const counted = [...metrics.get('pipeline/sent_bytes')!.values()];
    expect(counted).toHaveLength(STEPS);
    // Each step is counted, although the next one has begun when it is agreed on.
    for (const bytes of counted) expect(bytes).toBeGreaterThan(2 * MICRO_BATCHES * tensorBytes);
    expect(counted.reduce((total, bytes) => total + bytes, 0)).toBeLessThanOrEqual(sentBytes);
  });

  it('changes no bit of what is trained', async () => {
    const [late, prompt] = [await trainTwo(({ edge }) => (edge === 'account' ? DELAY_MS : 0)), await trainTwo(() => 0)];
    expect(late.metrics.get('train/loss')).toEqual(prompt.metrics.get('train/loss'));
    expect(late.checkpoints).toEqual(prompt.checkpoints);
  });

  it('tells while it is stuck for whom it waits and what that one did last, ever less often', async () => {
    // One second of this clock takes 10 ms.
    const fast: Clock = {
      now: () => systemClock.now() * 100,
      monotonicMs: () => systemClock.monotonicMs() * 100,
      after: (delayMs, task) => systemClock.after(delayMs / 100, task),
    };
    const stuck = ({ edge, step, microBatch }: TensorFrame): number =>
      edge === 'gradient' && step === 2 && microBatch === 1 ? 1200 : 0;
    const { waits, log } = await trainTwo(stuck, fast);
    const reports = waits.filter(({ rank, action }) => rank === 0 && action === '0RECV_B1');
    expect(reports.length).toBeGreaterThanOrEqual(1);
    // With a pause that doubles from 5 s on, there are at most 4 reports in 120 s.
    expect(reports.length).toBeLessThanOrEqual(5);
    expect(reports[0]).toMatchObject({ forRank: 1, last: { frame: expect.stringContaining('gradient') as string } });
    expect(reports[0]!.waitedMs).toBeGreaterThanOrEqual(4900);
    expect(log.join('\n')).toMatch(/rank 0 has waited .* for rank 1 at 0RECV_B1 .*; the last thing from rank 1 was/);
  });
});
