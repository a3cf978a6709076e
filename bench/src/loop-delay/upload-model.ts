import { BLOCK_BYTES, encodeHuggingFace } from '@millrace/checkpoint';
import { allParameters } from '@millrace/model';

/** A little less than 2 GiB, the largest upload. */
const MODEL = {
  family: 'gpt2',
  layers: 38,
  heads: 16,
  hidden: 1024,
  ffn: 4096,
  context: 1024,
  vocab: 50_257,
  tieEmbeddings: true,
};
const VALUES_PER_BLOCK = BLOCK_BYTES / Float32Array.BYTES_PER_ELEMENT;

/** Imports weights that are all different, so that no block is known already. @returns the bytes sent */
export async function uploadModel({ http, token }: { http: string; token: string }): Promise<number> {
  let sentBytes = 0;
  const parameters = allParameters(MODEL);
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  let tensorCount = 0;
  const read = async (name: string): Promise<Float32Array> => {
    const values = new Float32Array((shapes.get(name) ?? []).reduce((product, extent) => product * extent, 1));
    tensorCount++;
    // One value in each block is enough to make the block a new one.
    for (let index = 0; index < values.length; index += VALUES_PER_BLOCK)
      values[index] = tensorCount + index / values.length;
    return values;
  };
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const piece of encodeHuggingFace(parameters, read)) {
      for (let offset = 0; offset < piece.length; offset += 1 << 20) {
        const part = piece.subarray(offset, offset + (1 << 20));
        sentBytes += part.length;
        yield part;
      }
    }
  }
  const response = await fetch(`${http}/api/v1/checkpoints:import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: ReadableStream.from(body()),
    duplex: 'half',
  });
  if (response.status !== 201) throw new Error(`the import answered ${response.status}: ${await response.text()}`);
  return sentBytes;
}
