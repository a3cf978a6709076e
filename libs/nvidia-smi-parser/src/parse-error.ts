/**
 * - EMPTY: nothing but white space came.
 * - TOO_LARGE: more than `inputBytesMax`.
 * - UNRECOGNISED: neither XML nor CSV, for example "NVIDIA-SMI has failed because …"; the message quotes the start.
 * - TRUNCATED: the output stops in the middle. Nothing of it is returned: a value cut short looks like a value.
 * - MALFORMED: the XML is not well-formed, or a CSV row does not have the header's number of cells.
 */
export type NvidiaSmiParseErrorCode = 'EMPTY' | 'TOO_LARGE' | 'UNRECOGNISED' | 'TRUNCATED' | 'MALFORMED';

/** Where the trouble is: offset in characters of the decoded text from 0, line and column from 1. */
export interface TextPosition {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** The only error that parsing throws. A value that cannot be understood is null in the result, not an error. */
export class NvidiaSmiParseError extends Error {
  override readonly name = 'NvidiaSmiParseError';

  constructor(
    readonly code: NvidiaSmiParseErrorCode,
    message: string,
    /** Null where no place in the text is to blame. */
    readonly position: TextPosition | null = null,
  ) {
    super(position === null ? message : `line ${position.line}, column ${position.column}: ${message}`);
  }
}

export function positionAt(text: string, offset: number): TextPosition {
  const bounded = Math.max(0, Math.min(offset, text.length));
  const before = text.slice(0, bounded);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { offset: bounded, line: before.split('\n').length, column: bounded - lineStart + 1 };
}
