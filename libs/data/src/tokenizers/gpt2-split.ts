import { WHITE_SPACE } from './white-space';

/**
 * The pieces of GPT-2's pre-tokenizer (encoder.py of openai/gpt-2, and tiktoken's r50k_base). They cover every
 * character, and merges never go beyond a piece.
 */
export const GPT2_PIECE = [
  "'s|'t|'re|'ve|'m|'ll|'d",
  ' ?\\p{L}+',
  ' ?\\p{N}+',
  ` ?[^${WHITE_SPACE}\\p{L}\\p{N}]+`,
  `[${WHITE_SPACE}]+(?![^${WHITE_SPACE}])`,
  `[${WHITE_SPACE}]+`,
].join('|');

const PIECE = new RegExp(GPT2_PIECE, 'uy');
const IS_WHITE = new RegExp(`[${WHITE_SPACE}]`);

/**
 * The longest piece given to the merge loop, in UTF-16 units. The loop is quadratic in it (64,000 letters take
 * seconds), so that a longer run without a boundary (DNA, a ruler of dashes) is cut after this many units. The result
 * still decodes exactly, but may differ from GPT-2's own merges.
 */
export const PIECE_UNITS_MAX = 1024;

/** A cheap test for texts that may have a piece that is too long: every such piece is a run of this kind. */
const LONG_RUN = new RegExp(`[^${WHITE_SPACE}]{${PIECE_UNITS_MAX},}|[${WHITE_SPACE}]{${PIECE_UNITS_MAX},}`);

/** A match is certain once so many units follow it: the longest look-ahead is a contraction or one surrogate pair. */
const LOOK_AHEAD_UNITS = 4;

/** How far back a boundary is looked for before the whole text is split. */
const TAIL_UNITS = 4096;
const LAST_BOUNDARY = new RegExp(`(?<=[^${WHITE_SPACE}])[${WHITE_SPACE}]+[^${WHITE_SPACE}]*$`);

interface Piece {
  readonly end: number;
  /** Whether the piece continues after `end`, but was cut at the limit. */
  readonly cut: boolean;
}

function pieceAt(text: string, start: number): Piece {
  PIECE.lastIndex = start;
  PIECE.exec(text);
  const end = PIECE.lastIndex;
  if (end - start <= PIECE_UNITS_MAX) return { end, cut: false };
  const limit = start + PIECE_UNITS_MAX;
  const unit = text.charCodeAt(limit - 1);
  return { end: unit >= 0xd800 && unit <= 0xdbff ? limit - 1 : limit, cut: true };
}

/**
 * Cuts the text into parts that are encoded one by one. It is one part, unless one of its pieces may be too long for
 * the merge loop.
 */
export function* encodableParts(text: string): Generator<string> {
  if (!LONG_RUN.test(text)) {
    yield text;
    return;
  }
  for (let start = 0; start < text.length;) {
    const { end } = pieceAt(text, start);
    yield text.slice(start, end);
    start = end;
  }
}

/**
 * The length of the longest known prefix of `text` whose tokens cannot change, whatever follows. There is always a
 * boundary before white space that follows something else; if the end of the text has none, the pieces are matched.
 */
export function stablePrefixLength(text: string): number {
  const from = Math.max(0, text.length - TAIL_UNITS);
  const boundary = text.slice(from).search(LAST_BOUNDARY);
  return boundary >= 0 ? from + boundary : splitPrefixLength(text);
}

function splitPrefixLength(text: string): number {
  let safe = 0;
  for (let start = 0; start < text.length;) {
    const { end, cut } = pieceAt(text, start);
    if (!cut && end + LOOK_AHEAD_UNITS > text.length) break;
    // A prefix that ends in white space could be split differently: "\n\n" is one piece, but two before a letter.
    if (cut || !IS_WHITE.test(text.charAt(end - 1))) safe = end;
    start = end;
  }
  return safe;
}
