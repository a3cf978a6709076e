import type { ModelConfig } from '@millrace/core';
import type { NamedShape } from './compare-tensors';

/** The tensors of a file, by names with the family's prefix. */
export interface ModelFileShapes {
  readonly layers: number;
  /** Whether the head has no weight of its own. */
  readonly isTied: boolean;
  /** Returns rows and columns. Throws CHECKPOINT.MODEL_UNKNOWN if there is no such matrix. */
  matrix(name: string): readonly [rows: number, columns: number];
}

/** What is needed to read a model of a family from a file; the families are in libs/model. */
export interface ModelFileFamily {
  readonly parameters: { readonly tokenEmbedding: string; readonly headWeight: string };
  readonly files: {
    /** The name that messages use. */
    readonly title: string;
    /** The beginning of every name but that of the head's weight; some programs leave it out. */
    readonly prefix: string;
    /** The beginning of the names of a block's tensors, before the layer's index. */
    readonly blockPrefix: string;
    /** Tells whether this is a tensor that some files have and that is not a parameter. */
    isBuffer(name: string): boolean;
    configOf(shapes: ModelFileShapes, heads?: number): ModelConfig;
    fitsHeads(shapes: ModelFileShapes, heads: number): boolean;
  };
}

export interface KnownFamilies {
  readonly families: readonly ModelFileFamily[];
  /** Every parameter of a model, in the order of checkpoints and exports. */
  parametersOf(config: ModelConfig): readonly NamedShape[];
}
