/**
 * How a stage stores activations, their gradients and the weights of products. Everything is computed and added up in
 * f32, and what lasts from step to step is f32 in both: weights, optimizer states and gradients of weights.
 */
export const PRECISIONS = ['f32', 'f16'] as const;

export type Precision = (typeof PRECISIONS)[number];
