import { expect } from 'vitest';

type Constructed = ArrayBufferView & { readonly constructor: unknown };

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * `true` for typed arrays of one kind and the same bytes, so that `toEqual` need not visit every element in
 * JavaScript, which took longer than the training whose outcomes it compared. Anything else is left to vitest, which
 * finds the same answer and says where arrays differ.
 */
function areSameBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined;
  if ((a as Constructed).constructor !== (b as Constructed).constructor) return undefined;
  // Same bytes of floats are the same numbers, NaNs and signs of zero included.
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0 ? true : undefined;
}

expect.addEqualityTesters([areSameBytes]);
