import type { BlockReference } from '../manifest/manifest';
import { BLOCK_BYTES, joinBlocks } from './split-blocks';

/**
 * Tensors smaller than this share blocks: each block costs a round trip, rows in the database and two syncs of the
 * disk.
 */
export const PACKED_BYTES_MAX = BLOCK_BYTES / 4;

/** Stores a block and returns the SHA-256 that addresses it. */
export type PutBlock = (bytes: Uint8Array<ArrayBuffer>) => Promise<string>;

interface Piece {
  readonly bytes: Uint8Array;
  readonly resolve: (reference: BlockReference) => void;
  readonly reject: (error: unknown) => void;
}

/** Lays small tensors one after the other into blocks of at most BLOCK_BYTES, in the order in which they come. */
export class BlockPacker {
  private pieces: Piece[] = [];
  private pendingBytes = 0;

  constructor(private readonly put: PutBlock) {}

  /** Resolves once the block that contains `bytes` is stored, which is when it is full or after `flush`. */
  add(bytes: Uint8Array): Promise<BlockReference> {
    if (this.pendingBytes + bytes.length > BLOCK_BYTES) this.flush();
    this.pendingBytes += bytes.length;
    return new Promise((resolve, reject) => this.pieces.push({ bytes, resolve, reject }));
  }

  /** Stores what has come so far; what comes later begins a new block. */
  flush(): void {
    const pieces = this.pieces;
    if (pieces.length === 0) return;
    this.pieces = [];
    this.pendingBytes = 0;
    this.put(joinBlocks(pieces.map(({ bytes }) => bytes))).then(
      (sha256) => {
        let offset = 0;
        for (const { bytes, resolve } of pieces) {
          resolve({ sha256, bytes: bytes.length, ...(offset === 0 ? {} : { offset }) });
          offset += bytes.length;
        }
      },
      (error: unknown) => pieces.forEach(({ reject }) => reject(error)),
    );
  }
}
