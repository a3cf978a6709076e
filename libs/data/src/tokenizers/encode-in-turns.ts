import { setImmediate as nextTurn } from 'node:timers/promises';
import { assertWellFormed } from './half-surrogate-index';
import type { Tokenizer } from './tokenizer';

/**
 * Texts are cut into pieces of at most this many UTF-16 units, which bounds the work done in one turn of the event
 * loop: merging byte pairs takes up to 30 ms for a piece of letters that make few tokens.
 */
const PIECE_UNITS = 8_192;

/** The pieces of a text; none ends inside a surrogate pair. */
export function* cutText(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + PIECE_UNITS);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end--;
    yield text.slice(start, end);
    start = end;
  }
}

/** The ids that `encode` returns, made piece by piece, with a turn of the event loop for others after each. */
export async function encodeInTurns(tokenizer: Tokenizer, text: string): Promise<number[]> {
  // Only merging takes long, and the errors of others name a place in the whole text.
  if (tokenizer.name !== 'gpt2') return [...tokenizer.encode(text)];
  assertWellFormed(text);
  const encoder = tokenizer.createEncoder();
  const ids: number[] = [];
  for (const piece of cutText(text)) {
    for (const id of encoder.push(piece)) ids.push(id);
    await nextTurn();
  }
  for (const id of encoder.finish()) ids.push(id);
  return ids;
}
