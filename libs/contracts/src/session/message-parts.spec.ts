import { describe, expect, it } from 'vitest';
import { MESSAGE_BYTES_MAX, messageParts, PART_BYTES, PartJoiner } from './message-parts';

const encoded = Uint8Array.from({ length: 2 * PART_BYTES + 3 }, (_, index) => index % 251);

describe('a message in parts', () => {
  it('is what it was, message after message', () => {
    const joiner = new PartJoiner();
    for (let round = 0; round < 2; round++) {
      const parts = messageParts(encoded);
      expect(parts.map(({ data }) => data.length)).toEqual([PART_BYTES, PART_BYTES, 3]);
      expect(joiner.add(parts[0]!)).toBeUndefined();
      expect(joiner.add(parts[1]!)).toBeUndefined();
      expect(Buffer.compare(joiner.add(parts[2]!)!, encoded)).toBe(0);
    }
  });

  it.each([
    ['of more bytes than anybody holds', 10, MESSAGE_BYTES_MAX + 1, /more than/],
    ['of another message', 10, 21, /amid one of 20/],
    ['that are empty', 0, 20, /empty/],
    ['beyond the end', 11, 20, /beyond the 20 bytes/],
  ])('is refused with parts %s', (_, length, totalBytes, reason) => {
    const joiner = new PartJoiner();
    joiner.add({ data: Buffer.alloc(10), totalBytes: 20 });
    expect(() => joiner.add({ data: Buffer.alloc(length), totalBytes })).toThrow(reason);
  });
});
