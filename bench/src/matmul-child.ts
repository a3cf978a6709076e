import { silentLogger, systemClock } from '@millrace/core';
import type { Operation, Program } from '@millrace/kernels';
import { openWebGpuBackend } from '@millrace/runtime';
import { median } from './measurement';

/** Prints {size: GFLOP/s} of matmul_nn; as the tfjs program, eight products follow one another before one wait. */
const CHAIN = 8;
const REPETITIONS = 7;
const WARM_UP = 2;

async function main(): Promise<void> {
  const backend = await openWebGpuBackend({ clock: systemClock, logger: silentLogger });
  const result: Record<string, number> = {};
  for (const size of process.argv.slice(2).map(Number)) {
    const program = chained(size);
    const tensors = new Map(program.tensors.map((tensor) => [tensor.name, backend.allocate(tensor)]));
    for (const name of ['x', 'b']) {
      const tensor = tensors.get(name);
      if (tensor !== undefined)
        backend.write(
          tensor,
          Float32Array.from({ length: size * size }, (_, i) => ((i * 2654435761) % 1000) / 1e6),
        );
    }
    const bound = await backend.bind(program, tensors);
    const times: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const start = performance.now();
      backend.run(bound);
      await backend.finish();
      if (repetition >= WARM_UP) times.push((performance.now() - start) / CHAIN);
    }
    result[size] = (2 * size ** 3) / median(times) / 1e6;
    for (const tensor of tensors.values()) backend.release(tensor);
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
  backend.destroy();
  process.exit(0);
}

/** x b into y, y b into x, and so on. */
function chained(size: number): Program {
  const shape = [size, size];
  const dims = { M: size, K: size, N: size, bias: 0, residual: 0, accumulate: 0 };
  const steps = Array.from({ length: CHAIN }, (_, link): Operation => {
    const [from, to] = link % 2 === 0 ? ['x', 'y'] : ['y', 'x'];
    return { kernel: 'matmul_nn', dims, tensors: { a_MK: from, b_KN: 'b', bias_N: from, residual_MN: from, c_MN: to } };
  });
  const tensors = ['x', 'y', 'b'].map((name) => ({ name, shape, dtype: 'f32', role: 'scratch' }) as const);
  return { name: `matmul-chain-${size}`, tensors, steps };
}

void main();
