import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { contentTypeUnknown, storageFailed, textEmpty, tokenizerMissing, tokenizerNotTaken } from '../data.errors';
import { CharTokenizer } from '../tokenizers/char-tokenizer';
import { CodePointSet } from '../tokenizers/code-point-set';
import { createTokenizer } from '../tokenizers/create-tokenizer';
import { type Tokenizer, U16_VOCAB_MAX } from '../tokenizers/tokenizer';
import { type ByteSource, readSlices } from './byte-source';
import { readCorpus, type TextContentType } from './read-corpus';
import type { TokenDType, TokenFile } from './token-file';
import { TokenFileWriter } from './token-file-writer';
import { writeUploadedTokens } from './uploaded-tokens';

const UPLOAD_BYTES_MAX = 2 * 1024 ** 3;

export interface TokenFileOptions {
  readonly source: ByteSource;
  /** A media type, parameters allowed: text/plain, application/x-ndjson or application/x-tokens-u16. */
  readonly contentType: string;
  /** byte, char or gpt2 for text; left out for tokens. */
  readonly tokenizer?: string;
  /** Where the token file appears, complete or not at all; until then `path` + `.partial` and `.source` are used. */
  readonly path: string;
  /** By default 2 GiB. */
  readonly bytesMax?: number;
}

/**
 * Turns an upload into a token file in bounded memory (one slice, one line of NDJSON at most 16 MiB, one write
 * buffer). Errors, after which no file is left: DATA.CONTENT_TYPE_UNKNOWN, TOKENIZER_UNKNOWN, TOKENIZER_MISSING,
 * TOKENIZER_NOT_TAKEN, TEXT_EMPTY, TEXT_NOT_UTF8, LINE_INVALID, TOKEN_BYTES_ODD, UPLOAD_TOO_LARGE, UPLOAD_BROKEN,
 * DISK_FULL, STORAGE_FAILED.
 */
export async function buildTokenFile(options: TokenFileOptions): Promise<TokenFile> {
  const partialPath = `${options.path}.partial`;
  const spoolPath = `${options.path}.source`;
  // A stream may fail before its first read below; without a listener that would end the process. The read reports the
  // failure.
  if (options.source instanceof Readable) options.source.on('error', () => undefined);
  try {
    const built = await build(options, partialPath, spoolPath);
    await publish(partialPath, options.path);
    return built;
  } finally {
    await rm(partialPath, { force: true });
    await rm(spoolPath, { force: true });
  }
}

/** Renames the file and makes the new name durable, for which its folder must be synced. */
async function publish(partialPath: string, path: string): Promise<void> {
  try {
    await rename(partialPath, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw storageFailed(path, error);
  }
}

async function build(options: TokenFileOptions, partialPath: string, spoolPath: string): Promise<TokenFile> {
  const { tokenizer: name, bytesMax = UPLOAD_BYTES_MAX } = options;
  const contentType = mediaType(options.contentType);
  const slices = readSlices(options.source, bytesMax);
  if (contentType === 'application/x-tokens-u16') {
    if (name !== undefined) throw tokenizerNotTaken(name);
    return writeUploadedTokens(slices, partialPath);
  }
  if (contentType !== 'text/plain' && contentType !== 'application/x-ndjson')
    throw contentTypeUnknown(options.contentType);
  if (name === undefined) throw tokenizerMissing(contentType);
  if (name !== 'char') return writeText(slices, { contentType, tokenizer: createTokenizer(name), path: partialPath });
  // Ids follow the sorted vocabulary, which is known only at the end of the text: keep the text and read it twice.
  const tokenizer = await readCharVocabulary(slices, contentType, spoolPath);
  const again = readSlices(createReadStream(spoolPath), bytesMax);
  return writeText(again, { contentType, tokenizer, path: partialPath });
}

/** Example: `text/plain; charset=utf-8` -> `text/plain`; another charset is refused. */
function mediaType(contentType: string): string {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')
    throw contentTypeUnknown(contentType);
  return type;
}

interface TextTarget {
  readonly contentType: TextContentType;
  readonly tokenizer: Tokenizer;
  readonly path: string;
}

async function writeText(
  slices: AsyncIterable<Uint8Array>,
  { contentType, tokenizer, path }: TextTarget,
): Promise<TokenFile> {
  const dtype: TokenDType = tokenizer.vocab > U16_VOCAB_MAX ? 'u32' : 'u16';
  const writer = await TokenFileWriter.create(path, dtype);
  try {
    const encoder = tokenizer.createEncoder();
    let documentCount = 0;
    for await (const piece of readCorpus(slices, contentType)) {
      if (piece.startsDocument && documentCount++ > 0) {
        await writer.write(encoder.finish());
        await writer.write(tokenizer.documentSeparator);
      }
      await writer.write(encoder.push(piece.text));
    }
    if (documentCount === 0) throw textEmpty();
    await writer.write(encoder.finish());
    return { ...(await writer.finish()), vocab: tokenizer.vocab, dtype, tokenizer: tokenizer.toJSON() };
  } finally {
    await writer.close();
  }
}

async function readCharVocabulary(
  slices: AsyncIterable<Uint8Array>,
  contentType: TextContentType,
  spoolPath: string,
): Promise<CharTokenizer> {
  const seen = new CodePointSet();
  let documentCount = 0;
  for await (const piece of readCorpus(spool(slices, spoolPath), contentType)) {
    seen.addText(piece.text);
    if (piece.startsDocument) documentCount++;
  }
  if (documentCount === 0) throw textEmpty();
  if (documentCount > 1) seen.addText('\n');
  return new CharTokenizer(seen.sorted());
}

/** Passes slices on while copying them to a file. */
async function* spool(slices: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'w').catch((error: unknown) => {
    throw storageFailed(path, error);
  });
  try {
    for await (const slice of slices) {
      await file.writeFile(slice).catch((error: unknown) => {
        throw storageFailed(path, error);
      });
      yield slice;
    }
  } finally {
    await file.close();
  }
}
