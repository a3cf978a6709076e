import { assert } from '@millrace/core';
import type { Kernel, TwinArray } from './kernel';

export type TwinTensors = Readonly<Record<string, TwinArray>>;

/** The f32 or f16 tensor of a twin's binding, in doubles. */
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

/** Made-up tensors of a kernel, by binding name, with what follows from others put right. */
export function withDerivedInputs<T extends { readonly length: number }>(
  { derived = {} }: Kernel,
  tensors: Readonly<Record<string, T | Uint32Array>>,
): Record<string, T | Uint32Array> {
  const isIds = (entry: [string, T | Uint32Array]): entry is [string, Uint32Array] => entry[1] instanceof Uint32Array;
  const ids = Object.fromEntries(Object.entries(tensors).filter(isIds));
  const following = Object.entries(derived).map(([name, contentOf]) => [name, contentOf(ids)] as const);
  return { ...tensors, ...Object.fromEntries(following) };
}
