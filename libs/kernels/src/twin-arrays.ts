import { assert } from '@millrace/core';
import type { TwinArray } from './kernel';

export type TwinTensors = Readonly<Record<string, TwinArray>>;

/** The f32 tensor of a twin's binding, in doubles. */
export function doubles(tensors: TwinTensors, name: string): Float64Array {
  const array = tensors[name];
  assert(array instanceof Float64Array, `binding ${name} is not an array of doubles`);
  return array;
}

/** The u32 tensor of a twin's binding. */
export function integers(tensors: TwinTensors, name: string): Uint32Array {
  const array = tensors[name];
  assert(array instanceof Uint32Array, `binding ${name} is not an array of 32-bit integers`);
  return array;
}

/** `array[index]`; out of range is a bug in a twin, and NaN makes it visible in every comparison. */
export function at(array: TwinArray, index: number): number {
  return array[index] ?? Number.NaN;
}
