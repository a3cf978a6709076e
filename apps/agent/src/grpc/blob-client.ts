import { type ChannelCredentials, type ClientWritableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { blobV1 } from '@millrace/contracts';
import type { BlobPort, BlockToPut } from '../blobs/blob-port';
import { fromServiceError } from './grpc-errors';
import { channelOptions } from './grpc-options';

/** A block is sent in messages of so many bytes. */
const PART_BYTES = 2 ** 20;
const PUT_DEADLINE_MS = 120_000;

export interface BlobClientOptions {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly token: string;
  readonly now: () => number;
}

/** Client of the API's BlobService. */
export class BlobClient implements BlobPort {
  private readonly client: blobV1.BlobServiceClient;

  constructor(private readonly options: BlobClientOptions) {
    this.client = new blobV1.BlobServiceClient(options.address, options.credentials, channelOptions(options.address));
  }

  async *get(sha256: string, offset: number): AsyncIterable<Uint8Array> {
    const call = this.client.get({ sha256, offset, length: 0 }, this.metadata());
    try {
      for await (const { data } of call as AsyncIterable<blobV1.GetResponse>) yield data;
    } catch (error) {
      throw fromServiceError(error as ServiceError, `reading blob ${sha256}`);
    } finally {
      call.cancel();
    }
  }

  put({ sha256, bytes, runId, fence, step }: BlockToPut): Promise<void> {
    const deadline = this.options.now() + PUT_DEADLINE_MS;
    return new Promise((resolve, reject) => {
      const call = this.client.put(this.metadata(), { deadline }, (error: ServiceError | null) => {
        if (error === null) resolve();
        else reject(fromServiceError(error, `storing block ${sha256}`));
      });
      writeBlock(call, { sha256, bytes: bytes.length, runId, fence, step }, bytes);
    });
  }

  close(): void {
    this.client.close();
  }

  private metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${this.options.token}`);
    return metadata;
  }
}

function writeBlock(call: ClientWritableStream<blobV1.PutRequest>, header: blobV1.PutHeader, bytes: Uint8Array): void {
  call.write({ body: { $case: 'header', value: header } });
  for (let start = 0; start < bytes.length; start += PART_BYTES) {
    const { buffer, byteOffset } = bytes;
    const length = Math.min(PART_BYTES, bytes.length - start);
    call.write({ body: { $case: 'data', value: Buffer.from(buffer, byteOffset + start, length) } });
  }
  call.end();
}
