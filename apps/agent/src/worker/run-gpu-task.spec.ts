import { EventEmitter } from 'node:events';
import type { GeneratePlan } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import { garbageCollector } from '../memory/garbage-collector';
import type { GpuTask } from './gpu-task';
import { runGpuTask } from './run-gpu-task';
import type { FromWorker } from './worker-messages';

const plan = attemptPlan();
const device = { quarantined: [] };
const manifest = { tensors: [] } as unknown as GeneratePlan['manifest'];
const generate = {
  ...{ taskId: 'task_1', rank: 0, dataKey: plan.dataKey, model: plan.model, stages: plan.stages, peers: plan.peers },
  ...{ manifest, promptTokens: [1], maxTokens: 1, temperature: 0, seed: 1 },
};

/** Each waits for ever: for a weight that is not sent, or for the device. */
const TASKS: Record<string, GpuTask> = {
  generate: { kind: 'generate', device, plan: generate },
  profile: { kind: 'profile', device, work: { model: plan.model, microBatch: 1, recompute: 'none', precision: 'f32' } },
  describe: { kind: 'describe', device },
  probe: { kind: 'probe', device },
  attempt: {
    kind: 'attempt',
    device,
    plan: {
      ...plan,
      rank: 1,
      peers: [...plan.peers, ...attemptPlan({ ranks: 3 }).peers.slice(1)],
      stages: attemptPlan({ ranks: 3 }).stages,
    },
    tokenFile: undefined,
  },
};

it.each(Object.keys(TASKS))('tells at once that the device is lost, whatever "%s" waits for', async (kind) => {
  const end = Object.assign(new EventEmitter(), {
    postMessage: (message: FromWorker) => void end.emit('told', message),
  });
  let lose: (error: AppError) => void = () => undefined;
  const failed = new Promise<AppError>((resolve) => (lose = resolve));
  const never = (): Promise<never> => new Promise(() => undefined);
  const backend = new Proxy<Backend>(openCpuBackend(), {
    get(target, name) {
      if (name === 'failed') return failed;
      if (name === 'finish' || name === 'readAll' || name === 'read') return never;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const told = new Promise<FromWorker>((resolve) =>
    end.on('told', (message: FromWorker) => message.type === 'failed' && resolve(message)),
  );
  const done = runGpuTask({
    end,
    task: TASKS[kind]!,
    openBackend: () => Promise.resolve(backend),
    probe: never,
    clock: new FakeClock(),
    collectGarbage: () => undefined,
  });
  lose(new AppError({ code: 'RUNTIME.DEVICE_LOST', kind: 'unavailable', message: 'the device was lost' }));
  expect(await told).toMatchObject({ error: { code: 'RUNTIME.DEVICE_LOST' } });
  end.emit('message', { type: 'stop' });
  await done;
});

it('collects garbage at the end, when nothing holds the backend any more', async () => {
  const end = Object.assign(new EventEmitter(), { postMessage: () => undefined });
  let opened: WeakRef<Backend> | undefined;
  let left: unknown = 'not asked for';
  const done = runGpuTask({
    end,
    task: TASKS['describe']!,
    openBackend: () => {
      const backend = openCpuBackend();
      opened = new WeakRef(backend);
      return Promise.resolve(backend);
    },
    probe: () => Promise.resolve(),
    clock: new FakeClock(),
    collectGarbage: () => {
      garbageCollector()();
      left = opened?.deref();
    },
  });
  // Until the end of this turn a WeakRef holds what it was made of.
  await new Promise(setImmediate);
  end.emit('message', { type: 'stop' });
  await done;
  expect(left).toBeUndefined();
});
