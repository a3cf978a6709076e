import type { ModelConfig, StageSlice } from '@millrace/core';
import {
  type Program,
  type ProgramStep,
  sumOfSquaresPartials,
  type TensorDeclaration,
  type TensorRole,
} from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';
import { checkModelConfig } from '../check-model-config';
import { headGradientName, headWeightName, type ParameterDeclaration, stageParameters } from '../parameters';
import { gradientName } from '../stage/stage-context';
import { type Optimizer, type OptimizerState, optimizerStates, stateName } from './optimizer';
import { TensorCatalog, tensorsOf } from '../tensor-catalog';

export interface TiedGradients {
  /** The gradient that the stage with the embedding computes. */
  readonly embedding: TensorDeclaration;
  /** The gradient that the stage with the head computes. */
  readonly head: TensorDeclaration;
  /** Computes total = embedding + head when both are there: a stage with one of them first receives the other. */
  readonly combine: Program;
}

export interface OptimizerPrograms {
  /** Set for the stages at either end of a model with tied embeddings. */
  readonly tied?: TiedGradients;
  /** Computes sums of squares of each gradient, into the tensors of `partials`. */
  readonly squares: Program;
  /** Runs the optimizer on each parameter. */
  readonly update: Program;
  /** The tensor that `optimizerHyper` fills before `update`. */
  readonly hyper: TensorDeclaration;
  /** The partial sums to add up with `sumPartials`, by parameter name in the fixed order. */
  readonly partials: ReadonlyMap<string, TensorDeclaration>;
  tensors(role?: TensorRole): TensorDeclaration[];
}

/** The tensors of an update besides gradient, weight and state, by optimizer. */
const HYPER = {
  adamw: { binding: 'hyper_10', shape: [10] },
  sgd: { binding: 'hyper_4', shape: [4] },
} as const;

interface Update {
  readonly catalog: TensorCatalog;
  readonly optimizer: Optimizer;
}

function updateStep(
  { catalog, optimizer }: Update,
  { name, shape, decay }: ParameterDeclaration,
  gradient_L: string,
): ProgramStep {
  const { binding, shape: hyperShape } = HYPER[optimizer.type];
  const states = optimizerStates(optimizer);
  const state = (kind: OptimizerState): [string, string] => {
    return [`${kind}_L`, catalog.declare(stateName(name, kind), shape, 'moment')];
  };
  const plain = optimizer.type === 'sgd' && states.length === 0;
  return {
    kernel: optimizer.type === 'adamw' ? 'adamw' : plain ? 'sgd' : 'sgd_momentum',
    dims: { L: elementCount(shape), decay: decay ? 1 : 0 },
    tensors: {
      gradient_L,
      [binding]: catalog.declare(binding, hyperShape, 'scalar'),
      weight_L: catalog.declare(name, shape, 'parameter'),
      ...Object.fromEntries(states.map(state)),
    },
  };
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
export function updatedTensors({ update }: OptimizerPrograms): TensorDeclaration[] {
  return update.tensors.filter(({ role }) => role === 'parameter' || role === 'moment');
}

/** Builds what a stage runs at the end of a step, on each of its parameters in the fixed global order. */
export function buildOptimizerPrograms(
  config: ModelConfig,
  slice: StageSlice,
  optimizer: Optimizer,
): OptimizerPrograms {
  checkModelConfig(config);
  const catalog = new TensorCatalog();
  const parameters = stageParameters(config, slice);
  const tied = config.tieEmbeddings && (slice.embedding || slice.head) ? tiedGradients(config, catalog) : undefined;
  const partials = new Map<string, TensorDeclaration>();
  const squareSteps: ProgramStep[] = [];
  const updateSteps: ProgramStep[] = [];
  for (const parameter of parameters) {
    const { name, shape } = parameter;
    const total = tied !== undefined && name === headWeightName(config);
    const gradient = total ? tiedGradientName(config) : catalog.declare(gradientName(name), shape, 'gradient');
    const L = elementCount(shape);
    const P = sumOfSquaresPartials(L);
    const partials_P = catalog.declare(`${name}.squares_P`, [P], 'output');
    partials.set(name, catalog.get(partials_P));
    squareSteps.push({ kernel: 'sum_of_squares', dims: { L, P }, tensors: { x_L: gradient, partials_P } });
    updateSteps.push(updateStep({ catalog, optimizer }, parameter, gradient));
  }
  const squares = catalog.program('squares', squareSteps);
  const update = catalog.program('update', updateSteps);
  const programs = tied === undefined ? [squares, update] : [tied.combine, squares, update];
  return {
    ...(tied === undefined ? {} : { tied }),
    squares,
    update,
    partials,
    hyper: catalog.get(HYPER[optimizer.type].binding),
    tensors: (role) => tensorsOf(programs, role),
  };
}
