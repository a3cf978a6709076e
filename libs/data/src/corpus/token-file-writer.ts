import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { storageFailed } from '../data.errors';
import type { TokenIds } from '../tokenizers/tokenizer';
import { TOKEN_BYTES, type TokenDType, type TokenFileSummary } from './token-file';

const BUFFER_BYTES = 1024 * 1024;

/** Appends ids to a new file through one fixed buffer, and hashes them on the way. */
export class TokenFileWriter {
  private readonly hash = createHash('sha256');
  private readonly buffer = Buffer.alloc(BUFFER_BYTES);
  private filledBytes = 0;
  private writtenBytes = 0;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly dtype: TokenDType,
  ) {}

  /** Throws DATA.STORAGE_FAILED or DATA.DISK_FULL, as the other methods do. */
  static async create(path: string, dtype: TokenDType): Promise<TokenFileWriter> {
    try {
      return new TokenFileWriter(path, await open(path, 'w'), dtype);
    } catch (error) {
      throw storageFailed(path, error);
    }
  }

  async write(ids: TokenIds): Promise<void> {
    const idBytes = TOKEN_BYTES[this.dtype];
    for (let index = 0; index < ids.length;) {
      const count = Math.min(ids.length - index, (BUFFER_BYTES - this.filledBytes) / idBytes);
      this.copy(ids.subarray(index, index + count));
      index += count;
      if (this.filledBytes === BUFFER_BYTES) await this.drain();
    }
  }

  /** Makes the file durable and closes it. */
  async finish(): Promise<TokenFileSummary> {
    await this.drain();
    try {
      await this.file.sync();
    } catch (error) {
      throw storageFailed(this.path, error);
    }
    await this.close();
    const bytes = this.writtenBytes;
    return { tokens: bytes / TOKEN_BYTES[this.dtype], bytes, sha256: this.hash.digest('hex') };
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private copy(ids: TokenIds): void {
    const Target = this.dtype === 'u16' ? Uint16Array : Uint32Array;
    new Target(this.buffer.buffer, this.buffer.byteOffset + this.filledBytes, ids.length).set(ids);
    this.filledBytes += ids.length * TOKEN_BYTES[this.dtype];
  }

  private async drain(): Promise<void> {
    const bytes = this.buffer.subarray(0, this.filledBytes);
    this.hash.update(bytes);
    try {
      for (let start = 0; start < bytes.length;) start += (await this.file.write(bytes, start)).bytesWritten;
    } catch (error) {
      throw storageFailed(this.path, error);
    }
    this.writtenBytes += bytes.length;
    this.filledBytes = 0;
  }
}
