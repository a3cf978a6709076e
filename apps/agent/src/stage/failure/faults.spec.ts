import { SCHEDULE_NAMES } from '@millrace/pipeline';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { FakeClock, InMemoryNetwork } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { attemptPlan } from '../../../test/attempt-plans';
import { expectRightEndings } from '../../../test/injected-faults';
import { trainRanks } from '../../../test/train-ranks';
import type { TensorFrame } from '../../data-plane/frame';

const FAULTS_PER_SCHEDULE = 1000 / SCHEDULE_NAMES.length;

describe('an attempt whose parts fail', () => {
  it.each(SCHEDULE_NAMES)('under %s ends in time, with the right class and culprit', async (schedule) => {
    expect.hasAssertions();
    await expectRightEndings(schedule, FAULTS_PER_SCHEDULE);
  });
});

/** A twin whose answers to `readAll` the test decides. */
function withReadAll(
  inner: Backend,
  readAll: (...given: Parameters<Backend['readAll']>) => ReturnType<Backend['readAll']>,
): Backend {
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'readAll') return readAll;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('the watchdog of steps', () => {
  async function train(clock: FakeClock, backend: Backend, changes: Record<string, unknown>): Promise<unknown> {
    const network = new InMemoryNetwork<TensorFrame>({ now: () => clock.now() });
    const model = { layers: 1, hidden: 4, ffn: 4, context: 3 };
    const plan = attemptPlan({ steps: 2, tied: false, microBatches: 1, micro: 1, model, train: changes });
    const options = { openBackend: () => backend, transport: (rank: number) => network.transport(rank), clock };
    return clock.run(trainRanks({ ...plan, expectedStepMs: 1000 }, options), 10 * 3_600_000);
  }

  it('lets an evaluation take any time, as long as it goes on', async () => {
    const clock = new FakeClock();
    const inner = openCpuBackend();
    // Twelve groups of losses are read, each of which takes a minute.
    const slow = withReadAll(inner, async (tensors, delayMs) => {
      if (tensors.length === 8) await new Promise<void>((resolve) => clock.after(60_000, resolve));
      return inner.readAll(tensors, delayMs);
    });
    await train(clock, slow, { evalEvery: 1, evalBatches: 96 });
    expect(clock.monotonicMs()).toBeGreaterThan(12 * 60_000);
  });

  it('notices a device that hangs while a checkpoint is taken', async () => {
    const clock = new FakeClock();
    const inner = openCpuBackend();
    let count = 0;
    const hung = withReadAll(inner, (...given) =>
      ++count > 1 ? new Promise(() => undefined) : inner.readAll(...given),
    );
    const training = train(clock, hung, { evalEvery: 0, evalBatches: 1, checkpointEvery: 1 });
    await expect(training).rejects.toMatchObject({ code: 'STAGE.TIMED_OUT', details: { rank: 0 } });
  });
});
