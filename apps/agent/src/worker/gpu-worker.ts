import { parentPort, workerData } from 'node:worker_threads';
import { assert, silentLogger, systemClock } from '@millrace/core';
import { type Backend, openWebGpuBackend, pacedBackend, tuneBackend, type WebGpuBackend } from '@millrace/runtime';
import { garbageCollector } from '../memory/garbage-collector';
import { takeVariants } from './take-variants';
import { probeDevice } from './probe-device';
import { withFaults } from './injected-fault';
import { runGpuTask } from './run-gpu-task';
import { PULSE_INTERVAL_MS, type Pulse } from './worker-messages';
import type { GpuTask } from './gpu-task';

/**
 * Entry of a GPU thread. It owns the device, so that neither the device's work nor the polling for it delays sockets
 * and heartbeats.
 */
assert(parentPort !== null, 'gpu-worker.js is started as a worker thread');
const port = parentPort;
const task = workerData as GpuTask;

/** How long variants are tried in one start: what is not tried is left for the next attempt on such a device. */
const TUNING_MS_MAX = 3_000;

let opened: WebGpuBackend | undefined;

async function openBackend(): Promise<Backend> {
  const { adapterName, pacedGflops, speed } = task.device;
  const backend = await openWebGpuBackend({
    clock: systemClock,
    logger: silentLogger,
    ...(adapterName === undefined ? {} : { adapterName }),
    ...(speed === undefined ? {} : { submissions: { speed } }),
  });
  opened = backend;
  takeVariants(backend, task);
  // A probe must see the real device, also where the device is paced.
  if (pacedGflops === undefined || task.kind === 'probe' || task.kind === 'describe') return backend;
  return pacedBackend(backend, { gflops: pacedGflops, clock: systemClock });
}

const pulse = setInterval(() => port.postMessage({ type: 'pulse' } satisfies Pulse), PULSE_INTERVAL_MS);

void runGpuTask({
  end: withFaults(port, task, () => opened?.loseDevice()),
  task,
  openBackend,
  probe: async (backend, workerPort) => {
    const device = backend as WebGpuBackend;
    if (task.kind !== 'probe') return workerPort.post({ type: 'described', adapter: device.adapter });
    workerPort.post({ type: 'probed', report: await probeDevice(device, task.known, systemClock) });
  },
  tune: async (programs, stopped) => {
    // A paced device computes nothing that could be measured.
    if (opened === undefined || task.device.pacedGflops !== undefined) return [];
    return tuneBackend(opened, programs, { boundMs: TUNING_MS_MAX, stopped, clock: systemClock });
  },
  clock: systemClock,
  // Node frees what it keeps of a driver's object when that object is collected, and does not when the thread ends.
  collectGarbage: () => {
    opened = undefined;
    garbageCollector()();
  },
}).finally(() => {
  clearInterval(pulse);
  port.close();
});
