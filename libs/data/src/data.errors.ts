import { AppError } from '@millrace/core';

/** Every failure of this library that its caller has caused; docs/errors.md describes each code. */

export function textEmpty(): AppError {
  return new AppError({
    code: 'DATA.TEXT_EMPTY',
    kind: 'invalid',
    message: 'the corpus holds no text; send at least one character',
  });
}

export function textNotUtf8(byteOffset: number): AppError {
  return new AppError({
    code: 'DATA.TEXT_NOT_UTF8',
    kind: 'invalid',
    message: `the text is not valid UTF-8 at byte ${byteOffset}; convert it to UTF-8 and send it again`,
    details: { byteOffset },
  });
}

export function textMalformed(codeUnitIndex: number): AppError {
  return new AppError({
    code: 'DATA.TEXT_MALFORMED',
    kind: 'invalid',
    message: `the text has half a surrogate pair at UTF-16 position ${codeUnitIndex}; it cannot be written as UTF-8`,
    details: { codeUnitIndex },
  });
}

export function lineInvalid(lineNumber: number, reason: string): AppError {
  return new AppError({
    code: 'DATA.LINE_INVALID',
    kind: 'invalid',
    message: `line ${lineNumber}: ${reason}; each line must be a JSON string or an object with a string "text"`,
    details: { lineNumber },
  });
}

export function characterUnknown(character: string, position: number, vocab: number): AppError {
  const codePoint = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return new AppError({
    code: 'DATA.CHARACTER_UNKNOWN',
    kind: 'invalid',
    message:
      `character ${JSON.stringify(character)} (U+${codePoint}) at position ${position} is not among the ${vocab} ` +
      'characters of this dataset; use characters that occur in its text',
    details: { character, position, vocab },
  });
}

export function tokenizerUnknown(name: unknown): AppError {
  return new AppError({
    code: 'DATA.TOKENIZER_UNKNOWN',
    kind: 'invalid',
    message: `tokenizer ${JSON.stringify(name)} is not known; use byte, char or gpt2`,
    fields: [{ path: '/tokenizer', message: 'must be byte, char or gpt2' }],
  });
}

export function tokenizerMissing(contentType: string): AppError {
  return new AppError({
    code: 'DATA.TOKENIZER_MISSING',
    kind: 'invalid',
    message: `a body of ${contentType} needs a tokenizer; add tokenizer=byte, char or gpt2`,
    fields: [{ path: '/tokenizer', message: 'is required: byte, char or gpt2' }],
  });
}

export function tokenizerNotTaken(name: string): AppError {
  return new AppError({
    code: 'DATA.TOKENIZER_NOT_TAKEN',
    kind: 'invalid',
    message: `uploaded tokens take no tokenizer, but ${JSON.stringify(name)} was given; leave it out`,
    fields: [{ path: '/tokenizer', message: 'must be left out for application/x-tokens-u16' }],
  });
}

export function tokenizerInvalid(reason: string): AppError {
  return new AppError({
    code: 'DATA.TOKENIZER_INVALID',
    kind: 'invalid',
    message: `the stored tokenizer is not valid: ${reason}; build the dataset again`,
  });
}

export function tokenizerHasNoText(): AppError {
  return new AppError({
    code: 'DATA.TOKENIZER_HAS_NO_TEXT',
    kind: 'precondition',
    message:
      'this dataset was uploaded as token ids, so its text is not known; use one built from text with a tokenizer',
  });
}

export function contentTypeUnknown(contentType: string): AppError {
  return new AppError({
    code: 'DATA.CONTENT_TYPE_UNKNOWN',
    kind: 'invalid',
    message:
      `content type ${JSON.stringify(contentType)} is not accepted; send text/plain (UTF-8), application/x-ndjson ` +
      'or application/x-tokens-u16',
    fields: [
      { path: '/content-type', message: 'must be text/plain, application/x-ndjson or application/x-tokens-u16' },
    ],
  });
}

export function tokenBytesOdd(bytes: number): AppError {
  return new AppError({
    code: 'DATA.TOKEN_BYTES_ODD',
    kind: 'invalid',
    message:
      `the body has ${bytes} bytes, but tokens are little-endian u16, two bytes each; ` +
      'send it whole, or convert it to u16',
    details: { bytes },
  });
}

export function uploadTooLarge(bytesMax: number): AppError {
  return new AppError({
    code: 'DATA.UPLOAD_TOO_LARGE',
    kind: 'too_large',
    message: `the body has more than ${bytesMax} bytes; send a smaller corpus or raise the limit`,
    details: { bytesMax },
  });
}

export function uploadBroken(cause: unknown): AppError {
  return new AppError({
    code: 'DATA.UPLOAD_BROKEN',
    kind: 'aborted',
    cause,
    message: 'the upload ended before its body was complete; send it again',
  });
}

export function storageFailed(path: string, cause: unknown): AppError {
  const full = (cause as { code?: unknown } | null)?.code === 'ENOSPC';
  return new AppError({
    code: full ? 'DATA.DISK_FULL' : 'DATA.STORAGE_FAILED',
    kind: full ? 'exhausted' : 'internal',
    cause,
    message: full ? `no disk space left for ${path}; free some and try again` : `cannot read or write ${path}`,
    details: { path },
  });
}

export interface TokenBeyondVocab {
  readonly id: number;
  /** Counted from 0. */
  readonly position: number;
  readonly vocab: number;
}

export function tokenBeyondVocab(where: string, { id, position, vocab }: TokenBeyondVocab): AppError {
  return new AppError({
    code: 'DATA.TOKEN_BEYOND_VOCAB',
    kind: 'invalid',
    message:
      `${where} has the id ${id} at position ${position}, but the model has a vocabulary of ${vocab}; take tokens of ` +
      `the model's tokenizer, or a model.vocab of at least ${id + 1}`,
    details: { id, position, vocab },
  });
}

export function tokenFileInvalid(path: string, reason: string): AppError {
  return new AppError({
    code: 'DATA.TOKEN_FILE_INVALID',
    kind: 'invalid',
    message: `token file ${path} is not usable: ${reason}`,
    details: { path },
  });
}

export function tokensTooFew(part: 'train' | 'validation', tokens: number, context: number): AppError {
  const path = part === 'train' ? '/model/context' : '/data/validation';
  return new AppError({
    code: 'DATA.TOKENS_TOO_FEW',
    kind: 'invalid',
    message:
      `the ${part} part has ${tokens} tokens, but one sequence of context ${context} needs ${context + 1}; ` +
      'use a larger dataset, a smaller context or another validation fraction',
    fields: [{ path, message: `leaves ${tokens} ${part} tokens, ${context + 1} are needed` }],
    details: { part, tokens, context },
  });
}
