import {
  type Program,
  type ProgramStep,
  sumOfSquaresPartials,
  type TensorDeclaration,
  type TensorRole,
} from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';
import { gradientName, headGradientName, TIED_GRADIENT_TOTAL } from '../gpt2/stage-context';
import { checkModelConfig, type ModelConfig, type StageSlice } from '../model-config';
import { type ParameterDeclaration, stageParameters, TOKEN_EMBEDDING } from '../parameters';
import { TensorCatalog, tensorsOf } from '../tensor-catalog';

/** The scalar tensor that `adamwHyper` fills. */
export const HYPER = 'hyper_8';

export interface TiedGradients {
  /** What the stage with the embedding adds up. */
  readonly embedding: TensorDeclaration;
  /** What the stage with the head adds up. */
  readonly head: TensorDeclaration;
  /** total = embedding + head; run when both are there: a stage with one of them receives the other first. */
  readonly combine: Program;
}

export interface OptimizerPrograms {
  /** Stages at either end of a model with tied embeddings. */
  readonly tied?: TiedGradients;
  /** Sums of squares of each gradient, into the tensors of `partials`. */
  readonly squares: Program;
  /** AdamW on each parameter. */
  readonly update: Program;
  readonly hyper: TensorDeclaration;
  /** By parameter name, in the fixed order: the partial sums to add up with `sumPartials`. */
  readonly partials: ReadonlyMap<string, TensorDeclaration>;
  tensors(role?: TensorRole): TensorDeclaration[];
}

export function momentNames(parameter: string): { readonly m: string; readonly v: string } {
  return { m: `${parameter}.m`, v: `${parameter}.v` };
}

function updateStep(catalog: TensorCatalog, parameter: ParameterDeclaration, gradient_L: string): ProgramStep {
  const { name, shape, decay } = parameter;
  const { m, v } = momentNames(name);
  return {
    kernel: 'adamw',
    dims: { L: elementCount(shape), decay: decay ? 1 : 0 },
    tensors: {
      gradient_L,
      hyper_8: catalog.declare(HYPER, [8], 'scalar'),
      weight_L: catalog.declare(name, shape, 'parameter'),
      m_L: catalog.declare(m, shape, 'moment'),
      v_L: catalog.declare(v, shape, 'moment'),
    },
  };
}

function tiedGradients(config: ModelConfig, catalog: TensorCatalog): TiedGradients {
  const shape = [config.vocab, config.hidden];
  const a_L = catalog.declare(gradientName(TOKEN_EMBEDDING), shape, 'gradient');
  const b_L = catalog.declare(headGradientName(config), shape, 'gradient');
  const y_L = catalog.declare(TIED_GRADIENT_TOTAL, shape, 'gradient');
  const step: ProgramStep = { kernel: 'add', dims: { L: elementCount(shape) }, tensors: { a_L, b_L, y_L } };
  return { embedding: catalog.get(a_L), head: catalog.get(b_L), combine: catalog.program('combine-tied', [step]) };
}

/** What a stage runs at the end of a step, on each of its parameters in the fixed global order. */
export function buildOptimizerPrograms(config: ModelConfig, slice: StageSlice): OptimizerPrograms {
  checkModelConfig(config);
  const catalog = new TensorCatalog();
  const parameters = stageParameters(config, slice);
  const tied = config.tieEmbeddings && (slice.embedding || slice.head) ? tiedGradients(config, catalog) : undefined;
  const partials = new Map<string, TensorDeclaration>();
  const squareSteps: ProgramStep[] = [];
  const updateSteps: ProgramStep[] = [];
  for (const parameter of parameters) {
    const { name, shape } = parameter;
    const total = tied !== undefined && name === TOKEN_EMBEDDING;
    const gradient = total ? TIED_GRADIENT_TOTAL : catalog.declare(gradientName(name), shape, 'gradient');
    const L = elementCount(shape);
    const P = sumOfSquaresPartials(L);
    const partials_P = catalog.declare(`${name}.squares_P`, [P], 'output');
    partials.set(name, catalog.get(partials_P));
    squareSteps.push({ kernel: 'sum_of_squares', dims: { L, P }, tensors: { x_L: gradient, partials_P } });
    updateSteps.push(updateStep(catalog, parameter, gradient));
  }
  const squares = catalog.program('squares', squareSteps);
  const update = catalog.program('update', updateSteps);
  const programs = tied === undefined ? [squares, update] : [tied.combine, squares, update];
  return {
    ...(tied === undefined ? {} : { tied }),
    squares,
    update,
    partials,
    hyper: catalog.get(HYPER),
    tensors: (role) => tensorsOf(programs, role),
  };
}
