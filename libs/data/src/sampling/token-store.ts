import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { assert } from '@millrace/core';
import { TOKEN_BYTES, type TokenDType } from '../corpus/token-file';
import { storageFailed, tokenFileInvalid } from '../data.errors';
import type { TokenIds } from '../tokenizers/tokenizer';
import { checkVocab } from './check-vocab';

/** Consecutive tokens of a dataset. */
export interface TokenRange {
  readonly offset: number;
  readonly count: number;
}

/** Anything from which tokens can be read by position. */
export interface TokenReader {
  /** Returns `count` ids from `offset` on. */
  read(offset: number, count: number): Uint32Array;
}

export interface TokenStoreOptions {
  readonly dtype: TokenDType;
  /** How many pages of 64 KiB are kept in memory; 64 (4 MiB) by default. */
  readonly pageCountMax?: number;
}

const PAGE_BYTES = 65_536;

/**
 * Reads a token file by position in bounded memory: it reads whole pages, and drops the least recently used page first.
 * Reading is synchronous, since a page is 64 KiB of a local file, and the sampler runs on the thread that feeds the
 * device.
 */
export class TokenStore implements TokenReader {
  /** In the order of last use, which a Map keeps as the order of insertion. */
  private readonly pages = new Map<number, TokenIds>();

  private constructor(
    private readonly path: string,
    private readonly descriptor: number,
    private readonly dtype: TokenDType,
    private readonly pageCountMax: number,
    /** Tokens in the file. */
    readonly tokens: number,
  ) {}

  /** Throws DATA.STORAGE_FAILED, and DATA.TOKEN_FILE_INVALID when the file's size is not a whole number of ids. */
  static open(path: string, { dtype, pageCountMax = 64 }: TokenStoreOptions): TokenStore {
    const idBytes = TOKEN_BYTES[dtype];
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      throw storageFailed(path, error);
    }
    const bytes = fstatSync(descriptor).size;
    if (bytes % idBytes !== 0) {
      closeSync(descriptor);
      throw tokenFileInvalid(path, `${bytes} bytes is not a whole number of ${dtype} ids`);
    }
    return new TokenStore(path, descriptor, dtype, Math.max(1, pageCountMax), bytes / idBytes);
  }

  read(offset: number, count: number): Uint32Array {
    assert(offset >= 0 && count >= 0 && offset + count <= this.tokens, `tokens ${offset} + ${count} of ${this.tokens}`);
    const ids = new Uint32Array(count);
    const pageIds = PAGE_BYTES / TOKEN_BYTES[this.dtype];
    for (let done = 0; done < count;) {
      const position = offset + done;
      const page = this.page(Math.floor(position / pageIds));
      const from = position % pageIds;
      const taken = Math.min(count - done, pageIds - from);
      ids.set(page.subarray(from, from + taken), done);
      done += taken;
    }
    return ids;
  }

  /** The ids of a range, page by page. */
  *values(range: TokenRange): Generator<number> {
    const end = range.offset + range.count;
    for (let offset = range.offset; offset < end; offset += PAGE_BYTES) {
      yield* this.read(offset, Math.min(PAGE_BYTES, end - offset));
    }
  }

  /**
   * Reads the whole file once, and throws DATA.TOKEN_BEYOND_VOCAB at the first id that a model of this vocabulary does
   * not have: on a device such an id has no embedding, which nobody notices.
   */
  checkVocab(vocab: number): void {
    if (this.dtype === 'u16' && vocab > 0xffff) return;
    const pageIds = PAGE_BYTES / TOKEN_BYTES[this.dtype];
    for (let index = 0; index * pageIds < this.tokens; index++) {
      checkVocab(`token file ${this.path}`, this.load(index), { vocab, firstPosition: index * pageIds });
    }
  }

  close(): void {
    this.pages.clear();
    closeSync(this.descriptor);
  }

  private page(index: number): TokenIds {
    const cached = this.pages.get(index);
    const page = cached ?? this.load(index);
    this.pages.delete(index);
    this.pages.set(index, page);
    if (this.pages.size > this.pageCountMax) {
      for (const oldest of this.pages.keys()) {
        this.pages.delete(oldest);
        break;
      }
    }
    return page;
  }

  private load(index: number): TokenIds {
    const start = index * PAGE_BYTES;
    const wanted = Math.min(PAGE_BYTES, this.tokens * TOKEN_BYTES[this.dtype] - start);
    const page = new Uint8Array(wanted);
    for (let filled = 0; filled < wanted;) {
      const bytes = this.readAt(page.subarray(filled), start + filled);
      if (bytes === 0) throw tokenFileInvalid(this.path, 'it became shorter while in use');
      filled += bytes;
    }
    return new (this.dtype === 'u16' ? Uint16Array : Uint32Array)(page.buffer);
  }

  private readAt(target: Uint8Array, position: number): number {
    try {
      return readSync(this.descriptor, target, 0, target.length, position);
    } catch (error) {
      throw storageFailed(this.path, error);
    }
  }
}
