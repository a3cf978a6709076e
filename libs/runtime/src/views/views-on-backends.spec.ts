import type { Operation, Program } from '@millrace/kernels';
import { backendOfSuite, testBackends } from '@millrace/testing';
import type { TensorRef, TensorView } from '@millrace/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Backend, DeviceTensor } from '../backend';

/** Three runs of 64 elements, and what is left of a fourth. */
const LENGTH = 200;
const NAMES = ['x', 'y', 'z'];

function run(tensor: string, index: number, length = 64): TensorView {
  return { tensor, offset: 64 * index, length };
}

function add(a_L: TensorRef, b_L: TensorRef, y_L: TensorRef, L = 64): Operation {
  return { kernel: 'add', dims: { L }, tensors: { a_L, b_L, y_L } };
}

function programOf(...steps: Program['steps']): Program {
  const tensors = NAMES.map((name) => ({ name, shape: [LENGTH], dtype: 'f32', role: 'scratch' }) as const);
  return { name: 'views', tensors, steps };
}

/** Every element of the run says in which run it is. */
function numbered(): Float32Array {
  return Float32Array.from({ length: LENGTH }, (_, index) => 1 + Math.floor(index / 64));
}

describe.each(testBackends(process.env))('views on the $kind backend', ({ open }) => {
  const opened = backendOfSuite(open);
  let backend: Backend;
  let tensors: ReadonlyMap<string, DeviceTensor>;
  beforeEach(() => {
    backend = opened();
    tensors = new Map(programOf().tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
    return () => tensors.forEach((tensor) => backend.release(tensor));
  });

  /** The tensor's value in each of the four runs, which must be the same throughout a run. */
  async function runsOf(name: string): Promise<number[]> {
    const values = await backend.read(tensors.get(name)!);
    return [0, 1, 2, 3].map((index) => {
      const own = new Set(values.slice(64 * index, 64 * (index + 1)));
      expect(own.size, `run ${index} of ${name}`).toBe(1);
      return [...own][0]!;
    });
  }

  async function execute(...steps: Program['steps']): Promise<void> {
    backend.run(await backend.bind(programOf(...steps), tensors));
  }

  async function refusal(...steps: Program['steps']): Promise<string> {
    const error: unknown = await execute(...steps).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'RUNTIME.TENSOR_MISMATCH' });
    return (error as Error).message;
  }

  it('are read and written where they are, and nothing beside them is', async () => {
    backend.write(tensors.get('x')!, numbered());
    await execute(add(run('x', 1), run('x', 2), run('y', 0)), add(run('x', 3, 8), run('x', 0, 8), run('y', 3, 8), 8));
    expect(await runsOf('y')).toEqual([5, 0, 0, 5]);
    expect(await runsOf('x')).toEqual([1, 2, 3, 4]);
  });

  it('are cleared alone', async () => {
    backend.write(tensors.get('x')!, numbered());
    await execute({ clear: run('x', 1) }, { clear: run('x', 3, 8) });
    expect(await runsOf('x')).toEqual([1, 0, 3, 0]);
  });

  it('of one tensor may both be written if they have nothing in common', async () => {
    backend.write(tensors.get('x')!, numbered());
    backend.write(tensors.get('y')!, numbered());
    const update = (...written: TensorRef[]): Operation => {
      const [weight_L, momentum_L] = written as [TensorRef, TensorRef];
      const tensorsOf = { gradient_L: run('x', 0), hyper_4: run('x', 1, 4), weight_L, momentum_L };
      return { kernel: 'sgd_momentum', dims: { L: 64, decay: 0 }, tensors: tensorsOf };
    };
    // lr = momentum = clip = 2: the momentum becomes 2 * 4 + 1 * 2, the weight 1 - 2 * 10.
    await execute(update(run('y', 0), run('y', 2)));
    expect(await runsOf('y')).toEqual([1 - 2 * (2 * 3 + 2), 2, 2 * 3 + 2, 4]);
    expect(await refusal(update(run('y', 0), run('y', 0)))).toContain(
      'tensor y: for kernel sgd_momentum, it is written and bound twice, with elements 0 to 63 as weight_L and ' +
        'elements 0 to 63 as momentum_L; give one of them a tensor of its own',
    );
  });

  it('are refused if a written one overlaps with one that is read, or is of the same tensor', async () => {
    const overlapping = { tensor: 'x', offset: 64, length: 128 };
    expect(await refusal(add(run('y', 0), overlapping, run('x', 2)))).toContain(
      'it is written and bound twice, with elements 64 to 191 as b_L and elements 128 to 191 as y_L',
    );
    expect(await refusal(add(run('x', 0), run('y', 0), 'x'))).toContain('elements 0 to 199 as y_L');
    expect(await refusal(add(run('x', 0), run('y', 0), run('x', 1)))).toContain(
      'a dispatch reads and writes it, with elements 0 to 63 as a_L and elements 64 to 127 as y_L; give one of them',
    );
  });

  it('are refused beyond the end, between alignments, and if they are too short for the kernel', async () => {
    const wrong = (view: TensorView): Promise<string> => refusal(add(view, 'y', 'z'));
    expect(await wrong({ tensor: 'x', offset: 192, length: 9 })).toContain(
      'program views, tensor x: for kernel add, a view has elements 192 to 200 but the tensor f32[200] has 200',
    );
    expect(await wrong({ tensor: 'x', offset: 32, length: 64 })).toContain('begins at element 32, byte 128');
    expect(await wrong(run('x', 1, 63))).toContain('a view has 63 elements but a_L has 64; make it longer');
    expect(await wrong(run('w', 0))).toContain('tensor w: for kernel add, it is not declared');
    expect(await refusal({ clear: run('x', 1, 300) })).toContain('for a clear, a view has elements 64 to 363');
  });
});
