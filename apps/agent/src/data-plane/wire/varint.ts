/** Protocol Buffers' variable-length numbers: 7 bits a byte, low ones first, and the 8th says that more follow. */
export const VARINT_BYTES_MAX = 10;

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes `value` in exactly `bytes` bytes (at least as many as it needs) and gives the position behind it. */
export function writeVarint(target: Buffer, at: number, { value, bytes }: { value: number; bytes: number }): number {
  let rest = value;
  for (let index = 0; index < bytes; index++) {
    target[at + index] = (rest % 128) | (index < bytes - 1 ? 0x80 : 0);
    rest = Math.floor(rest / 128);
  }
  return at + bytes;
}

/** An int32 or int64, in as few bytes as it needs: a negative one (down to -2^31) as its 64 bits, in 10 bytes. */
export function writeInteger(target: Buffer, start: number, value: number): number {
  let at = start;
  if (value >= 0) {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
    target[at++] = rest;
    return at;
  }
  for (let shift = 0; shift < 28; shift += 7) target[at++] = ((value >>> shift) & 0x7f) | 0x80;
  target[at++] = (value >>> 28) | 0xf0;
  for (let index = 0; index < 4; index++) target[at++] = 0xff;
  target[at++] = 0x01;
  return at;
}
