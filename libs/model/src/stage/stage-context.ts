import type { ModelConfig, Precision, Recompute, StageSlice } from '@millrace/core';
import type { ParameterDeclaration } from '../families/parameter-declaration';
import type { TensorCatalog } from '../tensor-catalog';

/** Sizes of one micro-batch; letters as in model-config.ts. */
export interface StageSizes {
  readonly B: number;
  readonly T: number;
  readonly N: number;
  readonly C: number;
  readonly H: number;
  readonly G: number;
  readonly D: number;
  readonly F: number;
  readonly V: number;
}

/** How what is computed in f32 crosses between two stages: as it is, or rounded to f16. */
export type Wire = Precision;

export interface StageProgramOptions {
  /** The number of sequences in a micro-batch. */
  readonly microBatch: number;
  /** `none` by default. */
  readonly recompute?: Recompute;
  /**
   * Whether W of a micro-batch runs before anything else of the stage does after its I. If a stage recomputes
   * everything, it then holds what one block's backward needs at a time, instead of what all of them need.
   */
  readonly fusedBackward?: boolean;
  /** `f32` by default. */
  readonly precision?: Precision;
  /** Logits of more bytes are computed in parts of that size; HEAD_BYTES_MAX by default. */
  readonly headBytesMax?: number;
  /** How activations and their gradients cross between stages; `f32`, as they are, by default. */
  readonly wire?: Wire;
}

/** What the builders of a stage's programs share. */
export interface StageContext {
  readonly config: ModelConfig;
  readonly slice: StageSlice;
  readonly recompute: Recompute;
  readonly precision: Precision;
  /** The probability with which elements are dropped; 0 in programs that do not train. */
  readonly dropout: number;
  /** I computes the gradients of all parameters but those of the slice's first layer, and leaves these to W. */
  readonly fused: boolean;
  readonly sizes: StageSizes;
  readonly catalog: TensorCatalog;
  readonly parameters: readonly ParameterDeclaration[];
  /** Logits of more bytes are not kept but computed in parts. */
  readonly headBytesMax: number;
  readonly wire: Wire;
}

/** The gradient tensor of a parameter. */
export function gradientName(parameter: string): string {
  return `${parameter}.grad`;
}

/** The input of block `layer` (for `layer` = layers, of the final norm) and its gradient. */
export function residualName(layer: number): string {
  return `residual.${layer}_NC`;
}

/** The residual stream where nothing of it is kept: it alternates between two tensors. */
export function passingResidualName(layer: number): string {
  return `scratch.residual_${layer % 2}_NC`;
}

export function residualGradientName(layer: number): string {
  return `residual.${layer}.grad_NC`;
}
