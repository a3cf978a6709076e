import type { ModelConfig } from '@millrace/core';
import type { ProgramStep } from '@millrace/kernels';
import type { BlockSteps, BlockRequest } from '../stage/block';
import type { Norm } from '../stage/norm';
import type { Place } from '../stage/place';
import type { StageContext } from '../stage/stage-context';
import type { ParameterDeclaration } from './parameter-declaration';

/**
 * Everything that is particular to a family of models. Nothing outside the family's folder names one of its parameters,
 * or the family itself; only the schemas of libs/contracts do.
 */
export interface ModelFamily {
  /** The name that run specs and checkpoints use. */
  readonly name: string;
  /** @throws AppError MODEL.SHAPE if the sizes, each of them a positive integer, do not fit together */
  check(config: ModelConfig): void;
  readonly parameters: FamilyParameters;
  readonly programs: FamilyPrograms;
  readonly files: FamilyFiles;
}

/** The parameters in the fixed global order: those of the embedding, of each block, of the head. */
export interface FamilyParameters {
  /** The name of the token embedding, [V, C], which is the head's weight too if they are tied. */
  readonly tokenEmbedding: string;
  /** The name of the weight, [V, C], of a head that is not tied. */
  readonly headWeight: string;
  /** The token embedding comes first. */
  embedding(config: ModelConfig): ParameterDeclaration[];
  block(config: ModelConfig, layer: number): ParameterDeclaration[];
  /** The final norm, and the head's weight if it is not tied. */
  head(config: ModelConfig): ParameterDeclaration[];
}

/** The parts of a stage's programs. They name tensors, which are declared in the context's catalog. */
export interface FamilyPrograms {
  embeddingForward(context: StageContext, tensors: { tokens_BT: string; y_BTC: string }): ProgramStep;
  /** There is no I: tokens have no gradient. */
  embeddingBackwardWeight(context: StageContext, tensors: { tokens_BT: string; dy_BTC: string }): ProgramStep[];
  block(context: StageContext, request: BlockRequest): BlockSteps;
  finalNorm(context: StageContext, place: Place): Norm;
}

/** How Hugging Face saves the family's models: what is needed to recognise and read such a file. */
export interface FamilyFiles {
  /** The name that messages use. */
  readonly title: string;
  /** The beginning of every name but that of the head; some programs leave it out. */
  readonly prefix: string;
  /** The beginning of the names of a block's tensors, before the layer's index. */
  readonly blockPrefix: string;
  /** Tells whether this is a tensor that some files have and that is not a parameter; `name` has the prefix. */
  isBuffer(name: string): boolean;
  /** The model that follows from the shapes, with the usual values for what no shape tells. */
  configOf(shapes: FileShapes, heads?: number): ModelConfig;
  /** Tells whether the shapes can be those of a model with so many heads. */
  fitsHeads(shapes: FileShapes, heads: number): boolean;
}

/** The tensors of a file, by names with the prefix. */
export interface FileShapes {
  readonly layers: number;
  /** Whether the head has no weight of its own. */
  readonly isTied: boolean;
  /** Returns rows and columns. Throws if there is no such matrix. */
  matrix(name: string): readonly [rows: number, columns: number];
}
