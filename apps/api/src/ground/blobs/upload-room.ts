import type { ByteSource } from '@millrace/data';
import type { BlobsService } from './blobs.service';

/**
 * What a byte of an upload takes on the disk: ids of two bytes for each byte of text, and with `char` the text too,
 * which is read twice. gpt2 takes less, but never more than a byte's token.
 */
const BYTES_PER_BYTE: Readonly<Record<string, number>> = { byte: 2, gpt2: 2, char: 3 };
/** How often a running upload looks at the disk, which others fill at the same time. */
const CHECK_EVERY_BYTES = 8 * 1024 ** 2;

/** Bytes of disk for an upload of `bytes`; without a tokenizer it is tokens, stored as they come. */
export function diskBytesFor(bytes: number, tokenizer: string | undefined): number {
  return bytes * (tokenizer === undefined ? 1 : (BYTES_PER_BYTE[tokenizer] ?? 1));
}

/**
 * The bytes of `source`, which fails with BLOB.DISK_FULL while it is read rather than fill the disk of the database:
 * a length may not have been told. Of `char` the ids are still to be written when the text is there.
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
