import type { ByteSource } from '@millrace/data';
import type { BlobsService } from './blobs.service';

/**
 * How many bytes on the disk each byte of an upload takes: a token id of two bytes for each byte of text and, with
 * `char`, also the text itself, which is read twice. gpt2 takes less, but never more than one token for each byte.
 */
const BYTES_PER_BYTE: Readonly<Record<string, number>> = { byte: 2, gpt2: 2, char: 3 };
/** How often a running upload checks the disk, which others fill at the same time. */
const CHECK_EVERY_BYTES = 8 * 1024 ** 2;

/**
 * How many bytes on the disk an upload of `bytes` takes. Without a tokenizer it consists of tokens, which are stored as
 * they come.
 */
export function diskBytesFor(bytes: number, tokenizer: string | undefined): number {
  return bytes * (tokenizer === undefined ? 1 : (BYTES_PER_BYTE[tokenizer] ?? 1));
}

/**
 * Passes on the bytes of `source`. It throws BLOB.DISK_FULL before the disk of the database is full, because the upload
 * may not have told its length. With `char` the ids are written only when the whole text has arrived.
 */
export async function* withinRoom(
  source: ByteSource,
  tokenizer: string | undefined,
  blobs: Pick<BlobsService, 'assertRoomFor'>,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let checkedBytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    if (bytes - checkedBytes >= CHECK_EVERY_BYTES) {
      checkedBytes = bytes;
      await blobs.assertRoomFor(tokenizer === 'char' ? 2 * bytes : 0);
    }
    yield chunk;
  }
}
