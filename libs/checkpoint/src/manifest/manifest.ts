import type { ModelConfig } from '@millrace/core';
import type { JsonObject } from './canonical-json';

/** A piece of a tensor: `bytes` bytes of the block with this SHA-256 (lower-case hexadecimal). */
export interface BlockReference {
  readonly sha256: string;
  readonly bytes: number;
  /** Where in the block the piece begins, in bytes; left out: at its start. Small tensors share blocks. */
  readonly offset?: number;
}

/** `weight-2`: the weight two updates ago, which an asynchronous schedule still uses. */
export type TensorKind = 'weight' | 'm' | 'v' | 'momentum' | `weight-${number}`;

/** One tensor of the model (`weight`) or of its optimizer's state (AdamW `m`, `v`; SGD `momentum`), under the name of the weight. */
export interface ManifestTensor {
  readonly name: string;
  readonly kind: TensorKind;
  readonly dtype: 'f32';
  readonly shape: readonly number[];
  /** Concatenated they are the tensor, little-endian, row-major. */
  readonly blocks: readonly BlockReference[];
}

/** The number of heads is null in an import: the file does not say. */
export type ManifestModel = Omit<ModelConfig, 'heads'> & { readonly heads: number | null };

/** All that a checkpoint is, apart from the blocks: enough to go on bit for bit, whatever the partition. */
export interface Manifest {
  readonly version: 1;
  /** null in an import. */
  readonly runId: string | null;
  /** Updates done; the run goes on with step + 1. */
  readonly step: number;
  readonly model: ManifestModel;
  readonly dataPosition: JsonObject;
  readonly rng: JsonObject;
  /** Its type and step; null for weights alone (an import). */
  readonly optimizer: JsonObject | null;
  /** Each (kind, name) once. */
  readonly tensors: readonly ManifestTensor[];
}
