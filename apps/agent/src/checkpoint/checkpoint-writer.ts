import { webcrypto } from 'node:crypto';
import { AppError, assert, type Clock, describeError } from '@millrace/core';
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
import type { UpdateCounters } from '@millrace/model';
import type { SnapshotPiece } from '../stage/stage-ports';

export interface CheckpointWriterOptions {
  readonly runId: string;
  readonly fence: number;
  readonly step: number;
  readonly blobs: BlobPort;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stopped: () => boolean;
  /**
   * How long to go on with a block that the API does not take. The next checkpoint, and then training, waits for this
   * one, whatever the reason is.
   */
  readonly patienceMs: number;
}

/** How many blocks are uploaded at the same time. */
const UPLOADS_MAX = 4;
/**
 * While the writer holds more bytes than this, it takes no further piece. Blocks that are not full or not sent yet
 * count.
 */
export const HELD_BYTES_MAX = 16 * BLOCK_BYTES;

/** The tensor whose pieces are coming. */
interface OpenTensor extends Pick<ManifestTensor, 'name' | 'kind' | 'shape'> {
  readonly blocks: Promise<BlockReference>[];
}

/** Stores one rank's part of the checkpoint of one step: it takes pieces of tensors and uploads their blocks. */
export class CheckpointWriter {
  private readonly tensors: OpenTensor[] = [];
  private readonly packer = new BlockPacker((bytes) => this.putBlock(bytes));
  private heldBytes = 0;
  private room: (() => void)[] = [];
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private failure: AppError | undefined;

  constructor(private readonly options: CheckpointWriterOptions) {}

  /**
   * Takes the piece over and begins to upload it. Resolves when there is room for the next piece. It never rejects:
   * `finish` throws what failed.
   */
  add(piece: SnapshotPiece): Promise<void> {
    const { data } = piece;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    this.heldBytes += bytes.length;
    const { blocks } = this.tensorOf(piece);
    for (const block of this.store(bytes, piece.shape)) {
      block.catch((error: unknown) => (this.failure ??= asAppError(error)));
      blocks.push(block);
    }
    if (this.heldBytes <= HELD_BYTES_MAX) return Promise.resolve();
    return new Promise((resolve) => this.room.push(resolve));
  }

  /**
   * Returns the canonical JSON of the manifest part once every block is stored. Rejects with the reason if one could
   * not be.
   */
  async finish(counters?: UpdateCounters): Promise<string> {
    this.packer.flush();
    const tensors = await Promise.all(
      this.tensors.map(async ({ name, kind, shape, blocks }): Promise<ManifestTensor> => {
        return { name, kind, dtype: 'f32', shape, blocks: await Promise.all(blocks) };
      }),
    );
    return canonicalJson({ tensors, counters });
  }

  private tensorOf({ name, kind, shape, elementOffset }: SnapshotPiece): OpenTensor {
    if (elementOffset === 0) this.tensors.push({ name, kind, shape, blocks: [] });
    const last = this.tensors.at(-1);
    assert(last?.name === name && last.kind === kind, `a piece of ${kind} ${name} came amid another tensor`);
    return last;
  }

  /** Stores a piece. It consists of whole blocks except for the tensor's last one, or is all of a small tensor. */
  private store(bytes: Uint8Array<ArrayBuffer>, shape: readonly number[]): Promise<BlockReference>[] {
    const tensorBytes = shape.reduce((product, size) => product * size, 4);
    if (tensorBytes < PACKED_BYTES_MAX) return [this.packer.add(bytes)];
    const blocks: Promise<BlockReference>[] = [];
    for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
      const block = bytes.subarray(start, start + BLOCK_BYTES);
      blocks.push(this.putBlock(block).then((sha256) => ({ sha256, bytes: block.length })));
    }
    return blocks;
  }

  private letGo(bytes: number): void {
    this.heldBytes -= bytes;
    if (this.heldBytes <= HELD_BYTES_MAX) for (const resolve of this.room.splice(0)) resolve();
  }

  /** @returns the block's SHA-256 */
  private async putBlock(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    await this.enter();
    try {
      if (this.failure !== undefined) throw this.failure;
      // A thread of the pool computes the hash: hashing on this thread would delay heartbeats.
      const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
      const { runId, fence, step, blobs, clock, random, stopped, patienceMs } = this.options;
      await retryWhileAway(() => blobs.put({ sha256, bytes, runId, fence, step }), {
        what: `block ${sha256}`,
        clock,
        random,
        stopped,
        patienceMs,
      });
      return sha256;
    } finally {
      this.leave();
      this.letGo(bytes.length);
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
