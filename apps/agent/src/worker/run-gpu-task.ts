import type { Clock } from '@millrace/core';
import type { Backend } from '@millrace/runtime';
import { DeviceTurns } from '../generate/device-turns';
import { generateTask } from '../generate/generate-task';
import { measureLayers } from '../profile/measure-layers';
import type { Tune } from '../profile/start-tuning';
import { AttemptFailure } from '../stage/failure/attempt-failure';
import type { GpuTask } from './gpu-task';
import { toThreadError } from './thread-error';
import { PendingBoundary, trainTask } from './train-task';
import { type MessageEnd, WorkerPort } from './worker-port';

export interface GpuTaskOptions {
  readonly end: MessageEnd;
  readonly task: GpuTask;
  readonly openBackend: () => Promise<Backend>;
  /** Describes or probes the device; it is a parameter because it needs the kind of backend that it knows. */
  readonly probe: (backend: Backend, port: WorkerPort) => Promise<void>;
  /** Tunes the device, as far as a real one is open. */
  readonly tune?: Tune;
  readonly clock: Clock;
  /** Called when the device is destroyed and nothing of the task is used any more. */
  readonly collectGarbage: () => void;
}

/**
 * The life of a GPU thread: it opens the device, does the task, tells how that ended, and frees the device when it is
 * asked to stop. Every failure is told as `failed`; the loss of the device is told at once, whatever the task waits
 * for. The promise never rejects.
 */
export async function runGpuTask(options: GpuTaskOptions): Promise<void> {
  await live(options);
  options.collectGarbage();
}

async function live({ end, task, openBackend, probe, tune, clock }: GpuTaskOptions): Promise<void> {
  const requests = new PendingBoundary();
  const turns: DeviceTurns = new DeviceTurns(clock, (turnId, sliceMs) =>
    port.post({ type: 'turn-given', turnId, sliceMs }),
  );
  const port: WorkerPort = new WorkerPort(end, clock, {
    boundary: (wishes) => requests.ask(wishes),
    turn: (turnId) => turns.ask(turnId),
    turnOver: (turnId) => turns.over(turnId),
  });
  const opening = openBackend();
  const failure = new AttemptFailure();
  const perform = async (backend: Backend): Promise<void> => {
    if (task.kind === 'describe' || task.kind === 'probe') return probe(backend, port);
    if (task.kind === 'generate') return generateTask({ plan: task.plan, backend, port, clock });
    if (task.kind === 'profile')
      return port.post({ type: 'profiled', layers: await measureLayers(task.work, backend, clock) });
    return trainTask({ ...task, backend, port, requests, turns, tune, clock });
  };
  const work = async (): Promise<void> => {
    const backend = await opening;
    void backend.failed.then((error) => failure.raise(error));
    return failure.race(perform(backend));
  };
  const done = work().catch((error: unknown) => port.post({ type: 'failed', error: toThreadError(error) }));
  await port.stopped;
  // Destroying the device rejects whatever still waits for it, which ends the task too.
  await opening.then(
    (backend) => backend.destroy(),
    () => undefined,
  );
  await done;
  port.close();
}
