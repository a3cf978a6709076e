import { lineInvalid } from '../data.errors';
import { halfSurrogateIndex } from '../tokenizers/half-surrogate-index';

const NEWLINE = 0x0a;
/** A line is held in memory as a whole. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** A document is one string; what stands beside it in its line costs memory and time by the number of values. */
const VALUES_MAX = 50_000;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;

/** The text of every line that is not blank. Throws DATA.LINE_INVALID with the number of the line, counted from 1. */
export async function* readNdjsonTexts(slices: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let lineNumber = 1;
  let parts: Uint8Array[] = [];
  let lineBytes = 0;
  const keep = (part: Uint8Array): void => {
    lineBytes += part.length;
    if (lineBytes > LINE_BYTES_MAX) throw lineInvalid(lineNumber, `it has more than ${LINE_BYTES_MAX} bytes`);
    // A source may reuse its buffer once the next slice is asked for.
    if (part.length > 0) parts.push(part.slice());
  };
  const takeLine = (): string | undefined => {
    const text = parseLine(Buffer.concat(parts), lineNumber);
    parts = [];
    lineBytes = 0;
    lineNumber++;
    return text;
  };
  for await (const slice of slices) {
    let start = 0;
    for (let end = slice.indexOf(NEWLINE); end >= 0; end = slice.indexOf(NEWLINE, start)) {
      keep(slice.subarray(start, end));
      start = end + 1;
      const text = takeLine();
      if (text !== undefined) yield text;
    }
    keep(slice.subarray(start));
  }
  const text = takeLine();
  if (text !== undefined) yield text;
}

/** Whether the line has more values than are allowed, found before any parser sees it. */
function hasManyValues(line: Uint8Array): boolean {
  let values = 1;
  let quoted = false;
  for (let index = 0; index < line.length && values <= VALUES_MAX; index++) {
    const byte = line[index];
    if (quoted) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === COMMA || byte === OPEN_LIST || byte === OPEN_OBJECT) values++;
  }
  return values > VALUES_MAX;
}

/** Undefined for a blank line. */
function parseLine(bytes: Uint8Array, lineNumber: number): string | undefined {
  const value = parseJson(bytes, lineNumber);
  if (value === undefined) return undefined;
  const text: unknown = typeof value === 'object' && value !== null ? (value as { text?: unknown }).text : value;
  if (typeof text !== 'string') throw lineInvalid(lineNumber, `it holds ${describe(value)}`);
  const surrogateIndex = halfSurrogateIndex(text);
  if (surrogateIndex >= 0)
    throw lineInvalid(lineNumber, `its text has half a surrogate pair at position ${surrogateIndex}`);
  return text;
}

function parseJson(bytes: Uint8Array, lineNumber: number): unknown {
  let line: string;
  try {
    line = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw lineInvalid(lineNumber, 'it is not valid UTF-8');
  }
  if (line.trim() === '') return undefined;
  if (hasManyValues(bytes))
    throw lineInvalid(lineNumber, `it has more than ${VALUES_MAX} values; leave out what is not text`);
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    throw lineInvalid(lineNumber, `it is not JSON (${(error as Error).message})`);
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null || typeof value !== 'object')
    return `the ${value === null ? 'value' : typeof value} ${String(value)}`;
  return 'text' in value ? 'an object whose "text" is not a string' : 'an object without "text"';
}
