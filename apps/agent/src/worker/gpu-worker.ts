import { parentPort, workerData } from 'node:worker_threads';
import { assert, silentLogger, systemClock } from '@millrace/core';
import { type Backend, openWebGpuBackend, pacedBackend, type WebGpuBackend } from '@millrace/runtime';
import { garbageCollector } from '../memory/garbage-collector';
import { avoidedKernels } from './avoided-kernels';
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
  for (const kernel of avoidedKernels(task)) backend.quarantine(kernel as Parameters<WebGpuBackend['quarantine']>[0]);
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
