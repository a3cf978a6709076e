import { textEmpty, tokenBytesOdd } from '../data.errors';
import type { TokenFile } from './token-file';
import { TokenFileWriter } from './token-file-writer';

/**
 * Copies a body of little-endian u16 ids; its vocabulary is the largest id + 1. Errors: DATA.TOKEN_BYTES_ODD,
 * DATA.TEXT_EMPTY.
 */
export async function writeUploadedTokens(slices: AsyncIterable<Uint8Array>, path: string): Promise<TokenFile> {
  const writer = await TokenFileWriter.create(path, 'u16');
  try {
    let largestId = -1;
    let bytes = 0;
    /** The first half of an id that the end of a slice cut. */
    let carried = new Uint8Array(0);
    for await (const slice of slices) {
      bytes += slice.length;
      const joined = Buffer.concat([carried, slice]);
      const ids = idsOf(joined);
      carried = Uint8Array.from(joined.subarray(ids.length * 2));
      for (const id of ids) if (id > largestId) largestId = id;
      await writer.write(ids);
    }
    if (carried.length > 0) throw tokenBytesOdd(bytes);
    if (bytes === 0) throw textEmpty();
    const vocab = largestId + 1;
    return { ...(await writer.finish()), vocab, dtype: 'u16', tokenizer: { name: 'tokens', vocab } };
  } finally {
    await writer.close();
  }
}

function idsOf(bytes: Buffer): Uint16Array {
  const ids = new Uint16Array(Math.floor(bytes.length / 2));
  for (let index = 0; index < ids.length; index++) ids[index] = bytes.readUInt16LE(index * 2);
  return ids;
}
