import { webcrypto } from 'node:crypto';
import { AppError, type Clock, describeError } from '@millrace/core';
import {
  BLOCK_BYTES,
  BlockPacker,
  type BlockReference,
  canonicalJson,
  type ManifestTensor,
  PACKED_BYTES_MAX,
} from '@millrace/checkpoint';
import type { BlobPort } from '../blobs/blob-port';
import { retryWhileAway } from '../blobs/retry';
import type { SnapshotTensor } from '../stage/stage-ports';

export interface CheckpointWriterOptions {
  readonly runId: string;
  readonly fence: number;
  readonly blobs: BlobPort;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stopped: () => boolean;
}

/** Blocks on their way at once. */
const UPLOADS_MAX = 4;

/** One rank's part of the checkpoint of one step: tensors come in, their blocks go out. */
export class CheckpointWriter {
  private readonly parts: Promise<ManifestTensor>[] = [];
  private readonly packer = new BlockPacker((bytes) => this.putBlock(bytes));
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private failure: AppError | undefined;

  constructor(private readonly options: CheckpointWriterOptions) {}

  /** Takes the tensor over and begins to upload it. */
  add(tensor: SnapshotTensor): void {
    const part = this.upload(tensor);
    part.catch((error: unknown) => (this.failure ??= asAppError(error)));
    this.parts.push(part);
  }

  /** Canonical JSON of the manifest part once every block is stored. Rejects with why one could not be. */
  async finish(): Promise<string> {
    this.packer.flush();
    const tensors = await Promise.all(this.parts);
    return canonicalJson({ tensors });
  }

  private async upload({ name, kind, shape, data }: SnapshotTensor): Promise<ManifestTensor> {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    return { name, kind, dtype: 'f32', shape, blocks: await this.store(bytes) };
  }

  private async store(bytes: Uint8Array<ArrayBuffer>): Promise<BlockReference[]> {
    if (bytes.length < PACKED_BYTES_MAX) return [await this.packer.add(bytes)];
    const blocks: Promise<BlockReference>[] = [];
    for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
      const block = bytes.subarray(start, start + BLOCK_BYTES);
      blocks.push(this.putBlock(block).then((sha256) => ({ sha256, bytes: block.length })));
    }
    return Promise.all(blocks);
  }

  /** @returns the block's SHA-256 */
  private async putBlock(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    await this.enter();
    try {
      if (this.failure !== undefined) throw this.failure;
      // On a thread of the pool: hashing here would delay heartbeats.
      const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
      const { runId, fence, blobs, clock, random, stopped } = this.options;
      await retryWhileAway(() => blobs.put({ sha256, bytes, runId, fence }), {
        what: `block ${sha256}`,
        clock,
        random,
        stopped,
      });
      return sha256;
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    while (this.running >= UPLOADS_MAX) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running++;
  }

  private leave(): void {
    this.running--;
    this.waiting.shift()?.();
  }
}

export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError({ code: 'AGENT.INTERNAL', kind: 'internal', message: describeError(error), cause: error });
}
