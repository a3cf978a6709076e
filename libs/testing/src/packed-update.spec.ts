import type { ModelConfig } from '@millrace/core';
import { type Program, sumOfSquaresPartials, type TensorDeclaration, type TensorRole } from '@millrace/kernels';
import {
  buildOptimizerPrograms,
  type Optimizer,
  optimizerHyper,
  optimizerStates,
  squaresByParameter,
  stageParameters,
  stateName,
  wholeModel,
} from '@millrace/model';
import { allocatePacks, type Backend, type HostArray } from '@millrace/runtime';
import { elementCount } from '@millrace/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { backendOfSuite, testBackends } from './test-backends';

/** Lengths that no vector divides, and one of several runs of partial sums. */
const CONFIG: ModelConfig = {
  family: 'gpt2',
  layers: 2,
  heads: 3,
  hidden: 27,
  ffn: 61,
  context: 5,
  vocab: 301,
  tieEmbeddings: false,
};
const UPDATE = { lr: 0.01, step: 3, gradientFactor: 0.7 };
const OPTIMIZERS: readonly Optimizer[] = [
  { type: 'adamw', betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.1 },
  { type: 'sgd', momentum: 0.9, weightDecay: 0.1 },
  { type: 'sgd', momentum: 0, weightDecay: 0.1 },
];

interface Updated {
  readonly squares: ReadonlyMap<string, number>;
  /** Weights and states by name. */
  readonly tensors: ReadonlyMap<string, HostArray>;
}

/** Weights, gradients and states before the update, all of them different; second moments are positive. */
function contents(
  optimizer: Optimizer,
): { name: string; shape: readonly number[]; role: TensorRole; values: Float32Array }[] {
  let seed = 0;
  const noise = (count: number, scale: number): Float32Array =>
    Float32Array.from({ length: count }, () => scale * (Math.sin(12.9898 * ++seed) + 1.001));
  return stageParameters(CONFIG, wholeModel(CONFIG)).flatMap(({ name, shape }) => {
    const count = elementCount(shape);
    const own = (tensor: string, role: TensorRole, scale: number): ReturnType<typeof contents>[number] => {
      return { name: tensor, shape, role, values: noise(count, scale) };
    };
    return [
      own(name, 'parameter', 1),
      own(`${name}.grad`, 'gradient', -0.3),
      ...optimizerStates(optimizer).map((state) => own(stateName(name, state), 'moment', 0.01)),
    ];
  });
}

async function packed(backend: Backend, optimizer: Optimizer): Promise<Updated> {
  const programs = buildOptimizerPrograms(CONFIG, wholeModel(CONFIG), { optimizer });
  const tensors = allocatePacks(backend, programs.packs);
  for (const declaration of programs.tensors())
    if (!tensors.has(declaration.name)) tensors.set(declaration.name, backend.allocate(declaration));
  const all = contents(optimizer);
  for (const { name, values } of all) backend.write(tensors.get(name)!, values);
  backend.write(tensors.get(programs.hyper.name)!, optimizerHyper(optimizer, UPDATE));
  backend.run(await backend.bind(programs.squares, tensors));
  backend.run(await backend.bind(programs.update, tensors));
  const read = await backend.readAll(programs.partialSums.map(({ name }) => tensors.get(name)!));
  const after = await backend.readAll(all.map(({ name }) => tensors.get(name)!));
  for (const tensor of tensors.values()) backend.release(tensor);
  expect(backend.allocatedBytes()).toBe(0);
  return {
    squares: squaresByParameter(programs, read),
    tensors: new Map(all.map(({ name }, index) => [name, after[index]!])),
  };
}

/** The same, with every parameter in operations and memory of its own. */
async function apart(backend: Backend, optimizer: Optimizer): Promise<Updated> {
  const kernel = optimizer.type === 'adamw' ? 'adamw' : optimizer.momentum === 0 ? 'sgd' : 'sgd_momentum';
  const hyper = optimizerHyper(optimizer, UPDATE);
  const binding = `hyper_${hyper.length}`;
  const all = contents(optimizer);
  const own = (name: string, shape: readonly number[], role: TensorRole): TensorDeclaration => {
    return { name, shape, role, dtype: 'f32' };
  };
  const declarations = [
    ...all.map(({ name, shape, role }) => own(name, shape, role)),
    own(binding, [hyper.length], 'scalar'),
  ];
  const steps: Program['steps'][number][] = [];
  const parameters = stageParameters(CONFIG, wholeModel(CONFIG));
  for (const { name, shape, decay } of parameters) {
    const L = elementCount(shape);
    const P = sumOfSquaresPartials(L);
    const [gradient, partials] = [`${name}.grad`, `${name}.squares`];
    declarations.push(own(partials, [P], 'output'));
    steps.push({ kernel: 'sum_of_squares', dims: { L, P }, tensors: { x_L: gradient, partials_P: partials } });
    const states = optimizerStates(optimizer).map((state) => [`${state}_L`, stateName(name, state)]);
    const tensors = { gradient_L: gradient, [binding]: binding, weight_L: name, ...Object.fromEntries(states) };
    steps.push({ kernel, dims: { L, decay: decay ? 1 : 0 }, tensors: tensors as Record<string, string> });
  }
  const tensors = new Map(declarations.map((declaration) => [declaration.name, backend.allocate(declaration)]));
  for (const { name, values } of all) backend.write(tensors.get(name)!, values);
  backend.write(tensors.get(binding)!, hyper);
  backend.run(await backend.bind({ name: 'apart', tensors: declarations, steps }, tensors));
  const squares = new Map<string, number>();
  for (const { name } of parameters) {
    const partials = await backend.read(tensors.get(`${name}.squares`)!);
    squares.set(
      name,
      [...partials].reduce((sum, partial) => sum + partial, 0),
    );
  }
  const after = await backend.readAll(all.map(({ name }) => tensors.get(name)!));
  for (const tensor of tensors.values()) backend.release(tensor);
  return { squares, tensors: new Map(all.map(({ name }, index) => [name, after[index]!])) };
}

describe.each(testBackends(process.env))('the packed update on the $kind backend', ({ open }) => {
  const opened = backendOfSuite(open);
  let backend: Backend;
  beforeEach(() => {
    backend = opened();
  });

  it.each(OPTIMIZERS)('has the bits of one parameter after the other: $type $momentum', async (optimizer) => {
    const expected = await apart(backend, optimizer);
    const { squares, tensors } = await packed(backend, optimizer);
    expect(squares).toEqual(expected.squares);
    expect(tensors).toEqual(expected.tensors);
  });
});
