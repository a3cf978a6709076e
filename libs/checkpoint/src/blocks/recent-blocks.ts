import type { BlockStore } from './block-store';

/** The most blocks that are kept, which is enough for a few small tensors that are read one after the other. */
const BLOCKS_KEPT = 4;

/**
 * Reads from a store and keeps the last few blocks, so that tensors which share a block do not each read and verify all
 * of it. Whoever asks for a block that is being read waits for that read.
 */
export class RecentBlocks implements Pick<BlockStore, 'get'> {
  /** In the order of their last use. */
  private readonly blocks = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly read: (sha256: string) => Promise<Uint8Array>) {}

  get(sha256: string): Promise<Uint8Array> {
    const block = this.blocks.get(sha256) ?? this.read(sha256);
    this.blocks.delete(sha256);
    this.blocks.set(sha256, block);
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= BLOCKS_KEPT) break;
      this.blocks.delete(oldest);
    }
    block.catch(() => {
      if (this.blocks.get(sha256) === block) this.blocks.delete(sha256);
    });
    return block;
  }

  clear(): void {
    this.blocks.clear();
  }
}
