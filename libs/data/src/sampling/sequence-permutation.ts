import { assert, RandomStream } from '@millrace/core';

/**
 * Rounds of the Feistel network. Four give a pseudo-random permutation (Luby and Rackoff, SIAM J. Comput. 17,
 * 1988); eight leave a margin for the small domains of small datasets.
 */
const ROUND_COUNT = 8;
const WORD = 0x100000000;

/**
 * A permutation of 0 … size-1 for each epoch, computed element by element in constant memory: a Feistel network
 * with Philox as its round function on the smallest even number of bits that holds `size`, applied again while the
 * result is too large (cycle walking, Black and Rogaway, CT-RSA 2002: fewer than four times on average).
 */
export class SequencePermutation {
  private readonly stream: RandomStream;
  /** How many values each half has: a power of two. */
  private readonly halfSize: number;

  constructor(
    seed: number,
    private readonly size: number,
  ) {
    assert(Number.isSafeInteger(size) && size > 0 && size <= 2 ** 52, `a permutation of ${size} elements`);
    this.stream = new RandomStream(seed, 'order', 'sequence');
    let halfSize = 1;
    while (halfSize * halfSize < size) halfSize *= 2;
    this.halfSize = halfSize;
  }

  /** The sequence that comes at `index` (0 … size-1) of `epoch`. */
  at(epoch: number, index: number): number {
    assert(index >= 0 && index < this.size, `element ${index} of a permutation of ${this.size}`);
    let value = this.encrypt(epoch, index);
    while (value >= this.size) value = this.encrypt(epoch, value);
    return value;
  }

  private encrypt(epoch: number, value: number): number {
    let left = Math.floor(value / this.halfSize);
    let right = value % this.halfSize;
    for (let round = 0; round < ROUND_COUNT; round++) {
      // One Philox block per (epoch, round, half); halves have at most 26 bits, so the round fits above them.
      const [word] = this.stream.words(epoch, round * WORD + right);
      [left, right] = [right, (left ^ word) & (this.halfSize - 1)];
    }
    return left * this.halfSize + right;
  }
}
