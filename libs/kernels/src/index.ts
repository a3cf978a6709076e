export { attentionBackwardSteps, attentionForwardSteps, attentionRecomputeSteps } from './attention/attention-steps';
export type { AttentionBackwardNames, AttentionForwardNames, AttentionSteps } from './attention/attention-steps';
export type { AttentionSizes } from './attention/attention-sizes';
export { IGNORED_TARGET } from './cross-entropy/ignored-target';
export * from './kernel';
export { WGSL } from './kernels.generated';
export * from './program';
export { KERNELS, type KernelName } from './registry';
export { sumOfSquaresPartials } from './sum-of-squares/sum-of-squares';
