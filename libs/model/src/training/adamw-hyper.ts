export interface AdamWSettings {
  /** Learning rate of this step. */
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
}

/**
 * Content of the scalar tensor `hyper_8` for `step` (from 1): lr, beta1, beta2, eps, weightDecay, 1 - beta1^step,
 * 1 - beta2^step, clip coefficient. In doubles, so that the CPU twins lose nothing; a GPU backend rounds to f32 as it
 * writes.
 */
export function adamwHyper(settings: AdamWSettings, step: number, clipCoefficient: number): Float64Array {
  const [beta1, beta2] = settings.betas;
  const correction1 = 1 - beta1 ** step;
  const correction2 = 1 - beta2 ** step;
  return Float64Array.of(
    settings.lr,
    beta1,
    beta2,
    settings.eps,
    settings.weightDecay,
    correction1,
    correction2,
    clipCoefficient,
  );
}
