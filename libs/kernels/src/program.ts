import type { DType, Shape, TensorRef } from '@millrace/tensor';
import type { KernelName } from './registry';
import type { ConstantContent } from './constant-content';

/**
 * Who owns a tensor and for how long.
 *  parameter, gradient        the chunk, for the whole attempt
 *  moment                     optimizer state, likewise
 *  input, output              a (chunk, micro-batch): what enters and leaves a program (tokens, activations, gradients)
 *  saved                      a (chunk, micro-batch): written by F, read by I or W
 *  deferred                   a (chunk, micro-batch): written by I, read by W
 *  scratch                    nobody: valid inside one program run only
 *  scalar                     the attempt: small values written by the host before a program runs (learning rate, …)
 *  copy                       the chunk, for the whole attempt: a weight in f16, made again whenever the weight changes
 *  constant                   the attempt: values that follow from the model, which a backend fills in as it allocates
 */
export type TensorRole =
  | 'parameter'
  | 'gradient'
  | 'moment'
  | 'input'
  | 'output'
  | 'saved'
  | 'deferred'
  | 'scratch'
  | 'scalar'
  | 'copy'
  | 'constant';

export interface TensorDeclaration {
  /** Unique within a stage, for instance `h.3.attn.c_attn.weight` or `h.3.attn.probabilities`. */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly role: TensorRole;
  /** What a constant is filled with. */
  readonly content?: ConstantContent;
}

/** A tensor with a part of another's memory to itself. */
export interface TensorPart {
  readonly declaration: TensorDeclaration;
  /** The element of the other tensor at which it begins; its byte is a multiple of VIEW_ALIGNMENT_BYTES. */
  readonly offset: number;
}

/** A tensor in whose memory others have their parts, so that one operation can take all of them. */
export interface TensorPack {
  readonly whole: TensorDeclaration;
  readonly parts: readonly TensorPart[];
}

/**
 * One kernel on named tensors. `dims` fixes shapes and flags; `tensors` gives a tensor, or a view of one, for each
 * binding. What it writes may not overlap with anything else that it binds, and it may not read any other part of a
 * tensor that it writes.
 */
export interface Operation {
  readonly kernel: KernelName;
  readonly dims: Readonly<Record<string, number>>;
  readonly tensors: Readonly<Record<string, TensorRef>>;
}

/** Sets a tensor, or a view of one, to zero. */
export interface ClearOperation {
  readonly clear: TensorRef;
}

export type ProgramStep = Operation | ClearOperation;

/** A list of operations on named tensors: data that a backend compiles once and replays. */
export interface Program {
  readonly name: string;
  readonly tensors: readonly TensorDeclaration[];
  readonly steps: readonly ProgramStep[];
}
