import { AppError, systemClock } from '@millrace/core';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import { trainRanks } from '../../test/train-ranks';
import type { TensorFrame } from '../data-plane/frame';

const ACTIONS = new Set(['forward', 'backward-input', 'backward-weight']);
const MICRO_BATCHES = 40;

/**
 * A device that gets an action done in each turn of the event loop. The host takes no turn to enqueue one: it is always
 * ahead of the device.
 */
class SlowDevice {
  private enqueued = 0;
  private done = 0;
  private waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  /** Before each action, one list per step. */
  readonly inFlight: number[][] = [[]];
  private finishes = 0;

  constructor(private readonly failingFinish = Infinity) {}

  open(): Backend {
    const inner = openCpuBackend();
    return new Proxy(inner, {
      get: (target, name: keyof Backend) => {
        if (name === 'run') return (program: Parameters<Backend['run']>[0]) => this.run(target, program);
        if (name === 'enqueue')
          return (recorded: Parameters<Backend['enqueue']>[0]) => {
            target.enqueue(recorded);
            this.endStep(recorded.name);
          };
        if (name === 'finish') return () => this.finish();
        if (name === 'readAll')
          return async (sources: Parameters<Backend['readAll']>[0]) => {
            const values = await target.readAll(sources);
            await this.reached();
            return values;
          };
        const value = target[name];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  private run(target: Backend, program: Parameters<Backend['run']>[0]): void {
    target.run(program);
    this.endStep(program.name);
    if (!ACTIONS.has(program.name)) return;
    this.inFlight.at(-1)!.push(this.enqueued - this.done);
    this.enqueued++;
  }

  /** The warm-up of a start ends with an update too. */
  private endStep(name: string): void {
    if (name === 'update') this.inFlight.push([]);
  }

  private finish(): Promise<void> {
    this.finishes++;
    const lost = new AppError({ code: 'RUNTIME.DEVICE_LOST', kind: 'unavailable', message: 'gone' });
    return this.finishes >= this.failingFinish ? Promise.reject(lost) : this.reached();
  }

  /** Resolves when what is enqueued by now is done. */
  private reached(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ at: this.enqueued, resolve });
      if (this.waiting.length === 1) setImmediate(() => this.turn());
    });
  }

  private turn(): void {
    this.done = Math.min(this.enqueued, this.done + 1);
    const reached = this.waiting.filter(({ at }) => at <= this.done);
    this.waiting = this.waiting.filter(({ at }) => at > this.done);
    for (const { resolve } of reached) resolve();
    if (this.waiting.length > 0) setImmediate(() => this.turn());
  }
}

function train(device: SlowDevice): Promise<unknown> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  return trainRanks(attemptPlan({ steps: 2, microBatches: MICRO_BATCHES, micro: 1, validation: 0 }), {
    openBackend: () => device.open(),
    transport: (rank) => network.transport(rank),
  });
}

it('has at most 48 actions on the device, and never lets it run dry within a step', async () => {
  const device = new SlowDevice();
  await train(device);
  const steps = device.inFlight.filter((step) => step.length === 3 * MICRO_BATCHES);
  expect(steps.length).toBeGreaterThanOrEqual(2);
  for (const step of steps) {
    expect(Math.max(...step) + 1).toBe(48);
    expect(Math.min(...step.slice(48))).toBe(24);
  }
});

it('fails when the device is lost while it is waited for', async () => {
  // The first ones are those of the start.
  const device = new SlowDevice(5);
  await expect(train(device)).rejects.toThrowError(expect.objectContaining({ code: 'RUNTIME.DEVICE_LOST' }));
});
