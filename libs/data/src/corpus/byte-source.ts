import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '@millrace/core';
import { uploadBroken, uploadTooLarge } from '../data.errors';

/** A Node Readable of bytes, or any other asynchronous sequence of them. */
export type ByteSource = AsyncIterable<Uint8Array>;

/**
 * Work is done in slices of at most this many bytes, with a turn of the event loop for others after each: merging byte
 * pairs takes up to 30 ms for a slice of letters that make few tokens.
 */
const SLICE_BYTES = 8_192;

/**
 * Cuts the chunks of `source` into small slices. Errors: DATA.UPLOAD_TOO_LARGE beyond `bytesMax`, DATA.UPLOAD_BROKEN
 * when the source fails.
 */
export async function* readSlices(source: ByteSource, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  // A request that is refused half-way must stay open: destroying it would destroy the answer too.
  const chunks: ByteSource = source instanceof Readable ? source.iterator({ destroyOnReturn: false }) : source;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw uploadTooLarge(bytesMax);
      for (let start = 0; start < chunk.byteLength; start += SLICE_BYTES) {
        yield chunk.subarray(start, start + SLICE_BYTES);
        // The chunks of a fast upload are there already, and would be taken one after the other.
        await nextTurn();
      }
    }
  } catch (error) {
    throw error instanceof AppError ? error : uploadBroken(error);
  }
}
