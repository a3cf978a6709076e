import { isUtf8 } from 'node:buffer';
import { textNotUtf8 } from '../data.errors';

/**
 * Decodes UTF-8 that arrives in slices cut anywhere, and tells at which byte it is wrong, which TextDecoder does not.
 */
export class Utf8Decoder {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** The first bytes of a character that the next slice completes; at most 3. */
  private carried: Uint8Array = new Uint8Array(0);
  private offset = 0;

  /** Returns whole characters only. Throws DATA.TEXT_NOT_UTF8. */
  decode(slice: Uint8Array): string {
    const bytes = this.carried.length === 0 ? slice : Buffer.concat([this.carried, slice]);
    const whole = bytes.subarray(0, bytes.length - incompleteTailBytes(bytes));
    if (!isUtf8(whole)) throw textNotUtf8(this.offset + firstInvalidByte(whole));
    this.offset += whole.length;
    this.carried = bytes.slice(whole.length);
    return this.decoder.decode(whole);
  }

  /** Throws DATA.TEXT_NOT_UTF8 when the text ends inside a character. */
  finish(): void {
    if (this.carried.length > 0) throw textNotUtf8(this.offset);
  }
}

/** How many bytes at the end of `bytes` belong to a character that is not complete. */
function incompleteTailBytes(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte >= 0xc0) return characterBytes(byte) > length ? length : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function characterBytes(leadByte: number): number {
  if (leadByte < 0xc0) return 1;
  if (leadByte < 0xe0) return 2;
  return leadByte < 0xf0 ? 3 : 4;
}

/** The index of the character at which `bytes` stop being UTF-8. */
function firstInvalidByte(bytes: Uint8Array): number {
  let index = 0;
  while (index < bytes.length) {
    const length = characterBytes(bytes[index] ?? 0);
    if (!isUtf8(bytes.subarray(index, index + length))) return index;
    index += length;
  }
  return index;
}
