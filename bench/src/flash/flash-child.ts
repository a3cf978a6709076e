import { silentLogger, systemClock } from '@millrace/core';
import {
  attentionBackwardSteps,
  attentionForwardSteps,
  type AttentionSizes,
  naiveAttentionSteps,
  type Program,
} from '@millrace/kernels';
import { type BoundProgram, openWebGpuBackend, type WebGpuBackend } from '@millrace/runtime';
import { median } from '../measurement';
import type { AttentionRates } from './flash';

/** Prints {context: passes per second in either form}; an argument is a context. */
const SHAPE = { B: 4, H: 4, G: 4, D: 32 };
const REPETITIONS = 7;
const WARM_UP = 2;
/** A repetition has about this many pairs of query and key, so that short contexts are not measured by their waits. */
const PAIRS = 2 ** 23;

async function main(): Promise<void> {
  const backend = await openWebGpuBackend({ clock: systemClock, logger: silentLogger });
  const result: Record<string, AttentionRates> = {};
  for (const T of process.argv.slice(2).map(Number)) result[T] = await measure(backend, { ...SHAPE, T });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  backend.destroy();
  process.exit(0);
}

async function measure(backend: WebGpuBackend, sizes: AttentionSizes): Promise<AttentionRates> {
  const { B, H, T } = sizes;
  const naive = naiveAttentionSteps(sizes);
  const names = { qkv: 'qkv', y: 'y', dy: 'dy', dqkv: 'dqkv', saved: 'lse', scratch: 'inner' };
  const forward = attentionForwardSteps(sizes, names, 'scratch');
  const backward = attentionBackwardSteps(sizes, names);
  const tensors = [...naive.tensors, ...forward.tensors, ...backward.tensors];
  const programs: Program[] = [
    { name: 'flash', tensors, steps: [...forward.steps, ...backward.steps] },
    { name: 'naive', tensors, steps: [...naive.forward, ...naive.backward] },
  ];
  const allocated = new Map(tensors.map((tensor) => [tensor.name, backend.allocate(tensor)]));
  for (const name of ['qkv', 'dy']) {
    const tensor = allocated.get(name)!;
    const count = tensor.declaration.shape.reduce((a, b) => a * b, 1);
    backend.write(
      tensor,
      Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 1000) / 500 - 1),
    );
  }
  const [flash, kept] = await Promise.all(programs.map((program) => backend.bind(program, allocated)));
  const passes = Math.max(1, Math.round(PAIRS / (B * H * T * T)));
  const times: { flash: number[]; naive: number[] } = { flash: [], naive: [] };
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const both = { flash: await seconds(backend, flash!, passes), naive: await seconds(backend, kept!, passes) };
    if (repetition < WARM_UP) continue;
    times.flash.push(both.flash);
    times.naive.push(both.naive);
  }
  for (const tensor of allocated.values()) backend.release(tensor);
  return { flash: passes / median(times.flash), naive: passes / median(times.naive) };
}

async function seconds(backend: WebGpuBackend, program: BoundProgram, passes: number): Promise<number> {
  const start = performance.now();
  for (let pass = 0; pass < passes; pass++) backend.run(program);
  await backend.finish();
  return (performance.now() - start) / 1000;
}

void main();
