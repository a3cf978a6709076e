import { type FileHandle, open } from 'node:fs/promises';
import { fileTruncated, storageFailed } from '../checkpoint.errors';

/** Bytes that can be read by position: a file, or memory. */
export interface RandomAccess {
  readonly bytes: number;
  /** Returns exactly `length` bytes from `offset` on. Throws CHECKPOINT.FILE_TRUNCATED when there are fewer. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function memoryAccess(content: Uint8Array): RandomAccess {
  return {
    bytes: content.length,
    read: async (offset, length) => {
      if (offset + length > content.length) throw fileTruncated(offset + length, content.length, 'a read');
      return content.subarray(offset, offset + length);
    },
    close: () => Promise.resolve(),
  };
}

/** Throws CHECKPOINT.STORAGE_FAILED. */
export async function fileAccess(path: string): Promise<RandomAccess> {
  try {
    const file = await open(path, 'r');
    const { size } = await file.stat();
    return {
      bytes: size,
      read: (offset, length) => readFully({ file, path }, offset, length),
      close: () => file.close(),
    };
  } catch (error) {
    throw storageFailed(path, error);
  }
}

/** One read takes at most 2^31 - 1 bytes. */
const READ_BYTES_MAX = 2 ** 30;

async function readFully(
  { file, path }: { file: FileHandle; path: string },
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const content = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await file
      .read(content, filled, Math.min(length - filled, READ_BYTES_MAX), offset + filled)
      .catch((error: unknown) => {
        throw storageFailed(path, error);
      });
    if (bytesRead === 0) throw fileTruncated(offset + length, offset + filled, path);
    filled += bytesRead;
  }
  return content;
}
