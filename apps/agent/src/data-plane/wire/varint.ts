import { frameMalformed } from '../data-plane.errors';

/** Variable-length numbers of Protocol Buffers may take more bytes than they need, but never more than this. */
const BYTES_MAX = 10;

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/**
 * Writes `value` in exactly `bytes` bytes, which must be at least as many as it needs, and returns the position behind
 * it.
 */
export function writeVarint(target: Buffer, at: number, { value, bytes }: { value: number; bytes: number }): number {
  let rest = value;
  for (let index = 0; index < bytes; index++) {
    target[at + index] = (rest % 128) | (index < bytes - 1 ? 0x80 : 0);
    rest = Math.floor(rest / 128);
  }
  return at + bytes;
}

export function readVarint(source: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let next = at; next < source.length && next < at + BYTES_MAX; next++) {
    const byte = source[next] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: next + 1 };
    scale *= 128;
  }
  throw frameMalformed('a number does not end');
}
