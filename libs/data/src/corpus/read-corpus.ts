import { setImmediate as nextTurn } from 'node:timers/promises';
import { cutText } from '../tokenizers/encode-in-turns';
import { readNdjsonTexts } from './ndjson-lines';
import { Utf8Decoder } from './utf8-decoder';

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
  for await (const text of readNdjsonTexts(slices)) yield* inTurns(text);
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

/** A document comes as a whole, and leaves others a turn of the event loop between its pieces. */
async function* inTurns(document: string): AsyncGenerator<CorpusPiece> {
  let startsDocument = true;
  for (const text of cutText(document)) {
    if (!startsDocument) await nextTurn();
    yield { text, startsDocument };
    startsDocument = false;
  }
}
