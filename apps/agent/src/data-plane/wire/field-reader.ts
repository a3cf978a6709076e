import { frameMalformed } from '../data-plane.errors';
import { VARINT_BYTES_MAX } from './varint';

/** Walks over the fields of a Protocol Buffers message. Error: DATA_PLANE.FRAME_MALFORMED. */
export class FieldReader {
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** A tag, a length or an int64: exact up to 2^53. */
  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < VARINT_BYTES_MAX && this.at < this.bytes.length; index++) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw frameMalformed('a number does not end');
  }

  /** A number that counts something: not negative. */
  count(): number {
    const value = this.unsigned();
    if (!Number.isSafeInteger(value)) throw frameMalformed(`the number ${value}`);
    return value;
  }

  /** Negative ones have all of their 64 bits; the low 32 tell them. */
  int32(): number {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX && this.at < this.bytes.length; index++) {
      const byte = this.bytes[this.at++] as number;
      if (index < 5) value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return value;
    }
    throw frameMalformed('a number does not end');
  }

  fixed32(): number {
    const start = this.advance(4);
    return this.bytes.readUInt32LE(start);
  }

  text(): string {
    const length = this.unsigned();
    const start = this.advance(length);
    return this.bytes.toString('utf8', start, this.at);
  }

  /** Packed integers. */
  integers(): number[] {
    const length = this.unsigned();
    const start = this.advance(length);
    const end = this.at;
    this.at = start;
    const values: number[] = [];
    while (this.at < end) values.push(this.int32());
    if (this.at !== end) throw frameMalformed('a list that ends within a number');
    return values;
  }

  skip(wireType: number): void {
    if (wireType === 0) this.unsigned();
    else if (wireType === 1) this.advance(8);
    else if (wireType === 5) this.advance(4);
    else if (wireType === 2) this.advance(this.unsigned());
    else throw frameMalformed(`wire type ${wireType}`);
  }

  /** Past `bytes` bytes, which must be there; gives where they begin. */
  private advance(bytes: number): number {
    const start = this.at;
    if (bytes > this.bytes.length - start) throw frameMalformed('a field longer than its message');
    this.at += bytes;
    return start;
  }
}
