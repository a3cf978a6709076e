/** Loshchilov and Hutter 2019 (arXiv:1711.05101) algorithm 2. */
export interface AdamW {
  readonly type: 'adamw';
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
}

/**
 * torch.optim.SGD with dampening 0 and without Nesterov, except that the decay is decoupled like AdamW's:
 *   w *= 1 - lr weightDecay (tensors of two or more dimensions);  buf = momentum buf + g, from zero;  w -= lr buf
 */
export interface Sgd {
  readonly type: 'sgd';
  readonly momentum: number;
  readonly weightDecay: number;
}

export type Optimizer = AdamW | Sgd;

/** The states that an optimizer keeps for each parameter, in its shape; these are their names in checkpoints. */
export type OptimizerState = 'm' | 'v' | 'momentum';

/** Empty for SGD without momentum. */
export function optimizerStates(optimizer: Optimizer): readonly OptimizerState[] {
  if (optimizer.type === 'adamw') return ['m', 'v'];
  return optimizer.momentum === 0 ? [] : ['momentum'];
}

/** The name of a stage's tensor that holds `state` of `parameter`. */
export function stateName(parameter: string, state: OptimizerState): string {
  return `${parameter}.${state}`;
}

export interface UpdateSettings {
  /** The learning rate of this step. */
  readonly lr: number;
  /** Counted from 1; skipped steps are not counted. */
  readonly step: number;
  /** Multiplies every gradient: the clip coefficient over the loss scale. */
  readonly gradientFactor: number;
}

/**
 * The content of the update's scalar tensor `hyper`. AdamW: lr, beta1, beta2, eps, weightDecay, 1 - beta1^step, 1 -
 * beta2^step, gradient factor, 1 - beta1, 1 - beta2. SGD: lr, momentum, weightDecay, gradient factor. They are
 * doubles, so that the CPU twins lose nothing and differences from 1 are exact; a GPU backend rounds them to f32 when
 * it writes them.
 */
export function optimizerHyper(optimizer: Optimizer, { lr, step, gradientFactor }: UpdateSettings): Float64Array {
  const { weightDecay } = optimizer;
  if (optimizer.type === 'sgd') return Float64Array.of(lr, optimizer.momentum, weightDecay, gradientFactor);
  const [beta1, beta2] = optimizer.betas;
  const corrections = [1 - beta1 ** step, 1 - beta2 ** step];
  const fresh = [1 - beta1, 1 - beta2];
  return Float64Array.of(lr, beta1, beta2, optimizer.eps, weightDecay, ...corrections, gradientFactor, ...fresh);
}
