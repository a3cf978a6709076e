import type { Clock } from '@millrace/core';
import type { Program } from '@millrace/kernels';
import { expect, it } from 'vitest';
import { openCpuBackend } from '../cpu/cpu-backend';
import { pacedBackend } from './paced-backend';

/** Time passes only when somebody waits, and then at once. */
class WaitingClock implements Clock {
  ms = 0;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
  after(delayMs: number, task: () => void): () => void {
    queueMicrotask(() => {
      this.ms += delayMs;
      task();
    });
    return () => undefined;
  }
}

const L = 1000;
const ADD: Program = {
  name: 'add',
  tensors: ['a_L', 'b_L', 'y_L'].map((name) => ({ name, shape: [L], dtype: 'f32', role: 'scratch' })),
  steps: [{ kernel: 'add', dims: { L }, tensors: { a_L: 'a_L', b_L: 'b_L', y_L: 'y_L' } }],
};

it('takes the time of the operations, one program after the other, and computes nothing', async () => {
  const clock = new WaitingClock();
  const backend = pacedBackend(openCpuBackend(), { gflops: 1e-6, clock });
  const tensors = new Map(ADD.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
  const program = await backend.bind(ADD, tensors);
  backend.write(tensors.get('y_L')!, new Float32Array(L).fill(7));
  backend.run(program);
  backend.run(program);
  const first = backend.read(tensors.get('y_L')!);
  backend.run(program);

  expect((await first)[0]).toBe(7);
  // 1000 additions at 1000 a second, twice: what was enqueued after the read is not waited for.
  expect(clock.ms).toBe(2000);
  await backend.finish();
  expect(clock.ms).toBe(3000);
  clock.ms = 10_000;
  backend.run(program);
  await backend.finish();
  expect(clock.ms).toBe(11_000);
  backend.destroy();
});

it('holds back who runs far ahead', async () => {
  const clock = new WaitingClock();
  const backend = pacedBackend(openCpuBackend(), { gflops: 1e-6, clock });
  const program = await backend.bind(ADD, new Map());
  for (let count = 0; count < 5; count++) backend.run(program);
  await backend.throttle();
  expect(clock.ms).toBe(3000);
});
