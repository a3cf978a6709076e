/**
 * Philox 4x32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3"
 * (SC 2011): the same (key, counter) gives the same four words anywhere, in any order.
 */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

export type Words4 = [number, number, number, number];

/** High 32 bits of the 64-bit product of two 32-bit words. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/** Four random 32-bit words of counter `counter` under the 64-bit key (`key0`, `key1`). */
export function philox4x32(counter: Words4, key0: number, key1: number): Words4 {
  let [c0, c1, c2, c3] = counter;
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2);
    const low1 = Math.imul(M1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** FNV-1a, 64 bits as two words: turns names into key material. */
export function hashName(name: string): readonly [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return [Number(hash & 0xffffffffn), Number(hash >> 32n)];
}

/** A whole number of up to 53 bits as two words, the low one first. */
export function wordsOf(value: number): readonly [low: number, high: number] {
  return [value >>> 0, Math.floor(value / 0x100000000) >>> 0];
}

/** What the numbers of a stream are for. */
export interface StreamName {
  readonly purpose: string;
  readonly name: string;
}

/** The key of a stream under seed 0; any other seed is xored into it. */
export function streamKey({ purpose, name }: StreamName): readonly [low: number, high: number] {
  return hashName(`${purpose}\u0000${name}`);
}

/** A stream of random words keyed by what it is for, never by rank, stage or micro-batch. */
export class RandomStream {
  private readonly key: readonly [number, number];

  constructor(seed: number, purpose: string, name: string) {
    const [low, high] = streamKey({ purpose, name });
    const [seedLow, seedHigh] = wordsOf(seed);
    this.key = [(low ^ seedLow) >>> 0, (high ^ seedHigh) >>> 0];
  }

  /** The four words of (`step`, `element`); `element` may exceed 32 bits. */
  words(step: number, element: number): Words4 {
    const [low, high] = wordsOf(element);
    return philox4x32([low, high, step >>> 0, 0], this.key[0], this.key[1]);
  }
}

/** A word as a double in (0, 1): never 0, so that its logarithm is finite. */
export function wordToUnit(word: number): number {
  return (word + 0.5) / 0x100000000;
}
