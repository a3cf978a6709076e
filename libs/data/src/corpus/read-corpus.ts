import { readNdjsonTexts } from './ndjson-lines';
import { Utf8Decoder } from './utf8-decoder';

/** Strings are cut into pieces of at most this many UTF-16 units, which bounds the work done without a pause. */
const PIECE_UNITS = 65_536;

export type TextContentType = 'text/plain' | 'application/x-ndjson';

export interface CorpusPiece {
  /** Whole characters; never empty. */
  readonly text: string;
  /** Whether this piece is the first of a document. */
  readonly startsDocument: boolean;
}

/**
 * Reads the corpus as text, piece by piece. text/plain is one document; x-ndjson has one document per line (lines
 * without text do not count).
 */
export async function* readCorpus(
  slices: AsyncIterable<Uint8Array>,
  contentType: TextContentType,
): AsyncGenerator<CorpusPiece> {
  if (contentType === 'text/plain') {
    yield* readPlainText(slices);
    return;
  }
  for await (const text of readNdjsonTexts(slices)) yield* cutText(text);
}

async function* readPlainText(slices: AsyncIterable<Uint8Array>): AsyncGenerator<CorpusPiece> {
  const decoder = new Utf8Decoder();
  let startsDocument = true;
  for await (const slice of slices) {
    const text = decoder.decode(slice);
    if (text === '') continue;
    yield { text, startsDocument };
    startsDocument = false;
  }
  decoder.finish();
}

function* cutText(text: string): Generator<CorpusPiece> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + PIECE_UNITS);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end--;
    yield { text: text.slice(start, end), startsDocument: start === 0 };
    start = end;
  }
}
