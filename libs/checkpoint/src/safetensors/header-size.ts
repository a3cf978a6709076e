/** The size of a JSON text's content, counted in one pass before the text is parsed. */
export interface HeaderSize {
  /** Members of the outermost object. */
  readonly members: number;
  /** Values in all objects and lists; an empty object or list counts as one value. */
  readonly values: number;
  readonly depth: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);

/** The text need not be valid; if it is, these are exactly its sizes. */
export function headerSize(bytes: Uint8Array): HeaderSize {
  let open = 0;
  let depth = 0;
  let members = 1;
  let values = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === QUOTE) index = stringEnd(bytes, index);
    else if (byte === COMMA) {
      values++;
      if (open === 1) members++;
    } else if (OPEN.has(byte)) {
      values++;
      depth = Math.max(depth, ++open);
    } else if (CLOSE.has(byte)) open--;
  }
  return { members, values, depth };
}

/** Index of the closing quote of the string that opens at `start`, or the end of a text without one. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
