import type { ModelConfig } from '@millrace/core';
import type { JsonObject } from './canonical-json';

/** A piece of a tensor: `bytes` bytes of the block with this SHA-256 (lower-case hexadecimal). */
export interface BlockReference {
  readonly sha256: string;
  readonly bytes: number;
  /** The byte of the block at which the piece begins; if it is left out, at its start. Small tensors share blocks. */
  readonly offset?: number;
}

/** The suffix counts updates: `weight-2` is the weight two updates ago, which an asynchronous schedule still uses. */
export type TensorKind = 'weight' | 'm' | 'v' | 'momentum' | `weight-${number}`;

/** One tensor of the model (`weight`) or of its optimizer's state (AdamW `m`, `v`; SGD `momentum`), under the name of the weight. */
export interface ManifestTensor {
  readonly name: string;
  readonly kind: TensorKind;
  readonly dtype: 'f32';
  readonly shape: readonly number[];
  /** One after the other they are the tensor, little-endian and row-major. */
  readonly blocks: readonly BlockReference[];
}

/** Everything that a checkpoint is, apart from the blocks: enough to continue bit for bit, whatever the partition. */
export interface Manifest {
  readonly version: 1;
  /** Null in an import. */
  readonly runId: string | null;
  /** The number of steps done; the run continues with step + 1. */
  readonly step: number;
  readonly model: ModelConfig;
  readonly dataPosition: JsonObject;
  readonly rng: JsonObject;
  /** The optimizer's type and its number of updates; null if the checkpoint has only weights (an import). */
  readonly optimizer: JsonObject | null;
  /** How gradients are scaled, where they are. */
  readonly lossScale?: JsonObject;
  /** Each (kind, name) occurs once. */
  readonly tensors: readonly ManifestTensor[];
}
