export type { AttentionSizes } from './attention/attention-sizes';
export { naiveAttentionSteps } from './attention/naive-attention-steps';
export { bindingShape, isRead } from './binding';
export {
  choiceKey,
  chosenVariant,
  interchangeable,
  type KernelChoice,
  type KernelChoices,
  kernelChoices,
  NO_CHOICES,
  shapeBucket,
} from './choices/kernel-choices';
export { type ConstantContent, constantValues } from './constant-content';
export { IGNORED_TARGET } from './cross-entropy/ignored-target';
export { attentionBackwardSteps, attentionForwardSteps } from './flash-attention/attention-steps';
export type { AttentionSteps } from './flash-attention/attention-steps';
export { HALF_FORMS, type HalfForm, halfFormsOf, type HalfKernelName } from './halves/half-kernels';
export * from './kernel';
export { cutLaunch, type LaunchPart } from './launch';
export { WGSL } from './kernels.generated';
export { fuseProducts } from './matmul-programs/fuse-products';
export { PARTIAL_SUMS, PARTIAL_SUMS_MAX, splitProducts } from './matmul-programs/split-products';
export * from './program';
export { type FullKernelName, KERNELS, type KernelName } from './registry';
export { workgroupUse } from './shader-use/workgroup-use';
export { constantForm, type ShaderForm, shaderForm, sizedForm } from './sizes/shader-form';
export { type Extent, sumOfSquaresPartials } from './sum-of-squares/sum-of-squares';
export { withDerivedInputs } from './twin-arrays';
