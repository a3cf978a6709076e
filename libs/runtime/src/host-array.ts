import { type DType, toFloat16Array, WORD_BYTES } from '@millrace/tensor';

/**
 * The content of a tensor on the host. f32 tensors use Float32Array or Float64Array, u32 tensors use Uint32Array; f16
 * tensors use Uint16Array, which holds their bits, and take the others' floats rounded.
 */
export type HostArray = Float32Array | Float64Array | Uint32Array | Uint16Array;

/** Whether `data` may be written into a tensor of `dtype`. */
export function fitsDType(data: HostArray, dtype: DType): boolean {
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  switch (dtype) {
    case 'f32':
      return isFloat;
    case 'f16':
      return isFloat || data instanceof Uint16Array;
    case 'u32':
      return data instanceof Uint32Array;
    default:
      return dtype satisfies never;
  }
}

/** `data` as the array whose bytes a device holds for a tensor of `dtype`, which it fits. */
export function deviceArray(data: HostArray, dtype: DType): Exclude<HostArray, Float64Array> {
  if (dtype === 'f16') return data instanceof Uint16Array ? data : toFloat16Array(data);
  return data instanceof Float64Array ? Float32Array.from(data) : data;
}

/** An odd number of f16 elements ends the tensor, whose memory goes on to the end of the word. */
export function wholeWordsOf(values: ReturnType<typeof deviceArray>): ReturnType<typeof deviceArray> {
  if (values.byteLength % WORD_BYTES === 0) return values;
  const padded = new Uint16Array(values.length + 1);
  padded.set(values);
  return padded;
}

/** The array type in which tensors of each type are read from a device. */
export const DEVICE_ARRAY = {
  f32: Float32Array,
  f16: Uint16Array,
  u32: Uint32Array,
} as const satisfies Record<DType, unknown>;
