import { type StreamName, streamKey } from '@millrace/core';
import type { Shape } from '@millrace/tensor';
import type { TwinArray } from './kernel';
import { type Extent, packedRanges } from './sum-of-squares/sum-of-squares';
import { type RotarySettings, rotaryTable } from './rope/rotary-table';

/** The content of a constant tensor, as data. */
export type ConstantContent =
  /** The table of rope_forward, [T, D]. */
  | { readonly rotary: RotarySettings }
  /** The key of a stream of random words before the seed enters, [2] words. */
  | { readonly stream: StreamName }
  /** The ranges of sum_of_squares_packed, [P, 2], of tensors that are there. */
  | { readonly squaresOf: readonly Extent[] };

/** The values of a constant tensor of this shape. */
export function constantValues(content: ConstantContent, shape: Shape): TwinArray {
  if ('stream' in content) return Uint32Array.from(streamKey(content.stream));
  if ('squaresOf' in content) return packedRanges(content.squaresOf);
  return rotaryTable(shape[0] as number, content.rotary);
}
