import type { HeaderFields } from '../http2-headers';
import { STATIC_TABLE } from './static-table';

/** The index of the first entry with each name. */
const NAME_INDEX = new Map([...STATIC_TABLE].map(([name], index) => [name, index + 1] as const).reverse());
/** Indexes of whole fields, by name and value. */
const FIELD_INDEX = new Map(STATIC_TABLE.map(([name, value], index) => [`${name} ${value}`, index + 1]));

/** Sets the dynamic table to 0 bytes: a peer that asked for a smaller one waits for this. */
const NO_TABLE = 0x20;

/** A literal that no intermediary may put into a table either: one of them is the attempt's key. */
const NEVER_INDEXED = 0x10;

/**
 * Encodes fields as RFC 7541 says, without Huffman codes and without a dynamic table: the few headers of a call are not
 * worth them.
 */
export function encodeHeaders(fields: HeaderFields): Buffer {
  const bytes: Buffer[] = [Buffer.of(NO_TABLE)];
  for (const [name, value] of fields) {
    const fieldIndex = FIELD_INDEX.get(`${name} ${value}`);
    if (fieldIndex !== undefined) {
      bytes.push(integer(0x80, 7, fieldIndex));
      continue;
    }
    const nameIndex = NAME_INDEX.get(name) ?? 0;
    bytes.push(integer(NEVER_INDEXED, 4, nameIndex));
    if (nameIndex === 0) bytes.push(...text(name));
    bytes.push(...text(value));
  }
  return Buffer.concat(bytes);
}

/** An integer (section 5.1); `flags` are the bits before the prefix. */
function integer(flags: number, prefixBits: number, value: number): Buffer {
  const limit = 2 ** prefixBits - 1;
  if (value < limit) return Buffer.of(flags | value);
  const bytes = [flags | limit];
  let rest = value - limit;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}

function text(value: string): [Buffer, Buffer] {
  const bytes = Buffer.from(value, 'latin1');
  return [integer(0, 7, bytes.length), bytes];
}
