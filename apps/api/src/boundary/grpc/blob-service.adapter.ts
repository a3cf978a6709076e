import { once } from 'node:events';
import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  ServerReadableStream,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import type { blobV1 } from '@millrace/contracts';
import { AppError, describeError, type Logger } from '@millrace/core';
import { blobUnreadable } from '../../ground/blobs/blobs.errors';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { failedCall } from './failures/failed-call';
import { BlockUploadService } from '../../ledger/checkpoint-keeping/block-upload.service';
import { BlobReadersRepository } from '../../ledger/blocks/blob-readers.repository';
import { blobOfOthers } from '../../ledger/blocks/checkpoint-writes.errors';
import { LOGGER } from '../../ground/config/api-logger';
import { rangeInvalid } from './grpc.errors';
import { GrpcCaller } from './grpc-caller';

type PutCall = ServerReadableStream<blobV1.PutRequest, blobV1.PutResponse>;
type GetCall = ServerWritableStream<blobV1.GetRequest, blobV1.GetResponse>;

const SHA256 = /^[0-9a-f]{64}$/;

/** BlobService over gRPC. */
@Injectable()
export class BlobServiceAdapter {
  constructor(
    private readonly caller: GrpcCaller,
    private readonly uploads: BlockUploadService,
    private readonly blobs: BlobsService,
    private readonly readers: BlobReadersRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  get handlers(): blobV1.BlobServiceServer {
    return { put: this.put, get: this.get };
  }

  private readonly put: handleClientStreamingCall<blobV1.PutRequest, blobV1.PutResponse> = (call, callback) => {
    this.receive(call).then(
      (existed) => callback(null, { existed }),
      (error: unknown) => {
        this.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, 'block refused');
        callback(failedCall(error, this.logger, call.getPath()));
        // What the client still sends is read and dropped, so that it comes to read the answer.
        call.resume();
      },
    );
  };

  private async receive(call: PutCall): Promise<boolean> {
    const principal = this.caller.agent(call.metadata);
    // Without this line, a refusal before the first read would be an unhandled rejection.
    principal.catch(() => undefined);
    const { agentId } = await principal;
    return this.uploads.receive(bodies(call), agentId);
  }

  private readonly get: handleServerStreamingCall<blobV1.GetRequest, blobV1.GetResponse> = (call) => {
    this.stream(call).then(
      () => call.end(),
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', failedCall(error, this.logger, call.getPath()));
      },
    );
  };

  /** An admin may read every blob. @throws AppError BLOB.NOT_READABLE */
  private async assertReadable(agentId: string | null, sha256: string): Promise<void> {
    if (agentId === null) return;
    const known = SHA256.test(sha256) && (await this.readers.mayRead(agentId, sha256));
    if (!known) throw blobOfOthers(agentId, sha256);
  }

  /** Sends pieces of at most 1 MiB, no faster than the client takes them. */
  private async stream(call: GetCall): Promise<void> {
    const { agentId } = await this.caller.agent(call.metadata);
    const { sha256, offset, length } = call.request;
    await this.assertReadable(agentId, sha256);
    const blob = await this.readable(sha256, this.blobs.openBlob(sha256));
    if (offset < 0 || length < 0 || offset > blob.bytes) throw rangeInvalid(offset, length, blob.bytes);
    const wanted = length === 0 ? blob.bytes - offset : Math.min(length, blob.bytes - offset);
    const closed = new AbortController();
    call.once('cancelled', () => closed.abort());
    let totalBytes = blob.bytes;
    if (wanted === 0) call.write({ data: Buffer.alloc(0), totalBytes });
    const pieces = blob.read(offset, wanted)[Symbol.asyncIterator]();
    for (;;) {
      const { value: data, done } = await this.readable(sha256, pieces.next());
      if (done === true || call.cancelled) return;
      if (!call.write({ data, totalBytes })) await once(call, 'drain', { signal: closed.signal });
      totalBytes = 0;
    }
  }

  /** The agent tries again while its attempt has time to start: a disk that fails for a moment costs nothing. */
  private async readable<T>(sha256: string, reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'CHECKPOINT.STORAGE_FAILED') throw error;
      this.logger.warn({ sha256, reason: describeError(error.cause ?? error) }, 'a blob cannot be read from the disk');
      throw blobUnreadable(sha256, error);
    }
  }
}

async function* bodies(call: PutCall): AsyncGenerator<NonNullable<blobV1.PutRequest['body']>> {
  const messages = call.iterator({ destroyOnReturn: false }) as AsyncIterable<blobV1.PutRequest>;
  for await (const { body } of messages) if (body) yield body;
}
