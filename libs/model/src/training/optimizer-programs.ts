import type { ModelConfig, Precision, StageSlice } from '@millrace/core';
import {
  type Program,
  type ProgramStep,
  sumOfSquaresPartials,
  type TensorDeclaration,
  type TensorPack,
  type TensorRole,
} from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';
import { checkModelConfig } from '../check-model-config';
import { headGradientName, headWeightName, stageParameters } from '../parameters';
import { copyStep, weightCopies, weightOf } from '../precision/weight-copies';
import { buildStagePrograms } from '../stage-programs';
import { gradientName } from '../stage/stage-context';
import { sumPartials } from './gradient-norm';
import { type Optimizer, optimizerStates, stateName } from './optimizer';
import { type ParameterPack, packParameters, tensorPack } from './parameter-packs';
import { TensorCatalog, tensorsOf } from '../tensor-catalog';

export interface TiedGradients {
  /** The gradient that the stage with the embedding computes. */
  readonly embedding: TensorDeclaration;
  /** The gradient that the stage with the head computes. */
  readonly head: TensorDeclaration;
  /** Computes total = embedding + head when both are there: a stage with one of them first receives the other. */
  readonly combine: Program;
}

/** Where the partial sums of a parameter are. */
interface PartialSums {
  readonly tensor: string;
  readonly first: number;
  readonly count: number;
}

export interface OptimizerPrograms {
  /** Weights, gradients and states that share memory: they must be allocated so, and everything else by itself. */
  readonly packs: readonly TensorPack[];
  /** Set for the stages at either end of a model with tied embeddings. */
  readonly tied?: TiedGradients;
  /** Computes sums of squares of each gradient, into `partialSums`. */
  readonly squares: Program;
  /** Runs the optimizer on every parameter, and makes the copies in f16 again. */
  readonly update: Program;
  /** In f16: makes the copies of weights in f16. It runs whenever weights were written or put back. */
  readonly copyWeights?: Program;
  /** The tensor that `optimizerHyper` fills before `update`. */
  readonly hyper: TensorDeclaration;
  /** The tensors to read for `squaresByParameter`. */
  readonly partialSums: readonly TensorDeclaration[];
  /** By parameter name in the fixed order. */
  readonly partials: ReadonlyMap<string, PartialSums>;
  /** The tensors of all these programs. */
  tensors(role?: TensorRole): TensorDeclaration[];
}

/** The tensors of an update besides gradient, weight and state, by optimizer. */
const HYPER = {
  adamw: { binding: 'hyper_10', shape: [10] },
  sgd: { binding: 'hyper_4', shape: [4] },
} as const;

interface OptimizerContext {
  readonly catalog: TensorCatalog;
  readonly optimizer: Optimizer;
  gradientName(parameter: string): string;
}

/** What a stage does with a pack at the end of a step. */
interface PackSteps {
  readonly packs: readonly TensorPack[];
  readonly squares: ProgramStep;
  readonly update: ProgramStep;
  readonly partialSums: TensorDeclaration;
  readonly partials: ReadonlyMap<string, PartialSums>;
}

function updateStep(
  { catalog, optimizer }: OptimizerContext,
  { length, decay }: ParameterPack,
  tensors: Readonly<Record<string, string>>,
): ProgramStep {
  const { binding, shape } = HYPER[optimizer.type];
  const plain = optimizer.type === 'sgd' && optimizerStates(optimizer).length === 0;
  return {
    kernel: optimizer.type === 'adamw' ? 'adamw' : plain ? 'sgd' : 'sgd_momentum',
    dims: { L: length, decay: decay ? 1 : 0 },
    tensors: { ...tensors, [binding]: catalog.declare(binding, shape, 'scalar') },
  };
}

/**
 * A gradient that may exceed a binding is added up by the shader that can be cut. Which shader it is must not depend on
 * what else the stage has: a parameter that is alone in its pack here may share one in another split.
 */
function squaresStep(catalog: TensorCatalog, pack: ParameterPack, x_L: string): ProgramStep {
  const { name, length, parameters, oversized } = pack;
  const extents = parameters.map(({ parameter, offset }) => ({ offset, length: elementCount(parameter.shape) }));
  const P = extents.reduce((sum, extent) => sum + sumOfSquaresPartials(extent.length), 0);
  const partials_P = catalog.declare(`${name}.squares_P`, [P], 'output');
  const dims = { L: length, P };
  if (oversized) return { kernel: 'sum_of_squares', dims, tensors: { x_L, partials_P } };
  const content = { squaresOf: extents };
  const ranges = { name: `${name}.ranges_P2`, shape: [P, 2], dtype: 'u32', role: 'constant', content } as const;
  return { kernel: 'sum_of_squares_packed', dims, tensors: { x_L, ranges_P2: catalog.add(ranges), partials_P } };
}

function packSteps(context: OptimizerContext, pack: ParameterPack): PackSteps {
  const { catalog, optimizer } = context;
  const { name } = pack;
  const weights = tensorPack(pack, { name, role: 'parameter', nameOf: (parameter) => parameter });
  const gradients = tensorPack(pack, { name: gradientName(name), role: 'gradient', nameOf: context.gradientName });
  const states = optimizerStates(optimizer).map((state) => ({
    binding: `${state}_L`,
    pack: tensorPack(pack, { name: stateName(name, state), role: 'moment', nameOf: (own) => stateName(own, state) }),
  }));
  const packs = [weights, gradients, ...states.map((state) => state.pack)];
  for (const { whole } of packs) catalog.add(whole);
  const squares = squaresStep(catalog, pack, gradients.whole.name);
  const partials = new Map<string, PartialSums>();
  let first = 0;
  for (const { parameter } of pack.parameters) {
    const count = sumOfSquaresPartials(elementCount(parameter.shape));
    partials.set(parameter.name, { tensor: `${name}.squares_P`, first, count });
    first += count;
  }
  const update = updateStep(context, pack, {
    gradient_L: gradients.whole.name,
    weight_L: weights.whole.name,
    ...Object.fromEntries(states.map((state) => [state.binding, state.pack.whole.name])),
  });
  return { packs, squares, update, partialSums: catalog.get(`${name}.squares_P`), partials };
}

/** The name of the sum of the two gradients of a tied embedding. */
function tiedGradientName(config: ModelConfig): string {
  return `${headWeightName(config)}.grad_total`;
}

function tiedGradients(config: ModelConfig, catalog: TensorCatalog): TiedGradients {
  const shape = [config.vocab, config.hidden];
  const a_L = catalog.declare(gradientName(headWeightName(config)), shape, 'gradient');
  const b_L = catalog.declare(headGradientName(config), shape, 'gradient');
  const y_L = catalog.declare(tiedGradientName(config), shape, 'gradient');
  const step: ProgramStep = { kernel: 'add', dims: { L: elementCount(shape) }, tensors: { a_L, b_L, y_L } };
  return { embedding: catalog.get(a_L), head: catalog.get(b_L), combine: catalog.program('combine-tied', [step]) };
}

/** The tensors that `update` changes: weights and optimizer state. An optimistic step copies them first. */
export function updatedTensors({ packs }: OptimizerPrograms): TensorDeclaration[] {
  return packs.map(({ whole }) => whole).filter(({ role }) => role === 'parameter' || role === 'moment');
}

export interface OptimizerProgramOptions {
  readonly optimizer: Optimizer;
  /** As much as every adapter binds at once, if it is not given: no bits depend on it. */
  readonly packBytesMax?: number;
  /** That of the stage's programs: `f32` by default. */
  readonly precision?: Precision;
}

/** In f16, what makes the copies that the stage's programs read. */
function copySteps(
  config: ModelConfig,
  slice: StageSlice,
  { catalog, precision }: { catalog: TensorCatalog; precision: Precision | undefined },
): ProgramStep[] {
  if (precision !== 'f16') return [];
  // Which weights have copies does not depend on the size of a micro-batch.
  const { forward, backwardInput } = buildStagePrograms(config, slice, { microBatch: 1, precision });
  return weightCopies([forward, backwardInput]).map((copy) => {
    catalog.add(weightOf(copy));
    catalog.add(copy);
    return copyStep(copy);
  });
}

/** Builds what a stage runs at the end of a step, on packs of its parameters. */
export function buildOptimizerPrograms(
  config: ModelConfig,
  slice: StageSlice,
  { optimizer, packBytesMax, precision }: OptimizerProgramOptions,
): OptimizerPrograms {
  checkModelConfig(config);
  const catalog = new TensorCatalog();
  const tied = config.tieEmbeddings && (slice.embedding || slice.head) ? tiedGradients(config, catalog) : undefined;
  const isTied = (parameter: string): boolean => tied !== undefined && parameter === headWeightName(config);
  const ownGradientName = (own: string): string => (isTied(own) ? tiedGradientName(config) : gradientName(own));
  const parameters = stageParameters(config, slice);
  const steps = packParameters(parameters, packBytesMax).map((pack) =>
    packSteps({ catalog, optimizer, gradientName: ownGradientName }, pack),
  );
  const squares = catalog.program(
    'squares',
    steps.map((step) => step.squares),
  );
  const copies = copySteps(config, slice, { catalog, precision });
  const update = catalog.program('update', [...steps.map((step) => step.update), ...copies]);
  const partials = new Map(steps.flatMap((step) => [...step.partials]));
  const programs = tied === undefined ? [squares, update] : [tied.combine, squares, update];
  return {
    packs: steps.flatMap(({ packs }) => packs),
    ...(tied === undefined ? {} : { tied }),
    squares,
    update,
    ...(copies.length === 0 ? {} : { copyWeights: catalog.program('copy-weights', copies) }),
    partialSums: steps.map(({ partialSums }) => partialSums),
    partials: new Map(parameters.map(({ name }) => [name, partials.get(name)!])),
    hyper: catalog.get(HYPER[optimizer.type].binding),
    tensors: (role) => tensorsOf(programs, role),
  };
}

/** The sum of squares of each gradient, by parameter name, from what was read of `partialSums`. */
export function squaresByParameter(
  { partialSums, partials }: OptimizerPrograms,
  read: readonly ArrayLike<number>[],
): Map<string, number> {
  const arrays = new Map(partialSums.map(({ name }, index) => [name, read[index]!]));
  return new Map(
    [...partials].map(([parameter, { tensor, first, count }]) => {
      return [parameter, sumPartials(arrays.get(tensor)!, first, count)];
    }),
  );
}
