import type { TensorDeclaration } from '@millrace/kernels';
import type { HostArray } from '@millrace/runtime';
import { frameArray, type FrameDType, frameKeyText, type TensorFrame } from '../../data-plane/frame';
import { frameWrongSize, frameWrongType } from '../stage.errors';

/** What a frame must hold. */
export interface DueValues {
  readonly dtypes: readonly FrameDType[];
  readonly shape: readonly number[];
}

/** What may be written into a tensor: the CPU twins send doubles for f32. */
export function valuesOf({ dtype, shape }: Pick<TensorDeclaration, 'dtype' | 'shape'>): DueValues {
  return { dtypes: dtype === 'f32' ? ['f32', 'f64'] : [dtype], shape };
}

/**
 * The payload of a peer's frame, which must be as many numbers of such a type as are due. Throws STAGE.FRAME_WRONG_TYPE
 * and STAGE.FRAME_WRONG_SIZE.
 */
export function frameValues(frame: TensorFrame, { dtypes, shape }: DueValues): HostArray {
  if (!dtypes.includes(frame.dtype)) throw frameWrongType(frameKeyText(frame), dtypes.join(' or '), frame.dtype);
  const values = frameArray(frame);
  const expected = shape.reduce((product, size) => product * size, 1);
  if (values.length !== expected) throw frameWrongSize(frameKeyText(frame), expected, values.length);
  return values;
}
