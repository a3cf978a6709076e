import type { DType } from '@millrace/tensor';

/** The content of a tensor on the host. f32 tensors use Float32Array or Float64Array, u32 tensors use Uint32Array. */
export type HostArray = Float32Array | Float64Array | Uint32Array;

/** A zeroed array for `count` elements of `dtype`; `elementType` is the type in which f32 tensors are held. */
export function newHostArray(dtype: DType, count: number, elementType: 'f32' | 'f64'): HostArray {
  if (dtype === 'u32') return new Uint32Array(count);
  return elementType === 'f64' ? new Float64Array(count) : new Float32Array(count);
}

/** Whether `data` may be written into a tensor of `dtype`. */
export function fitsDType(data: HostArray, dtype: DType): boolean {
  return data instanceof Uint32Array === (dtype === 'u32');
}
