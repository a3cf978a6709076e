import type { BlockStore } from './block-store';

/** Most blocks kept: what a few small tensors, read one after the other, lie in. */
const BLOCKS_KEPT = 4;

/**
 * Reads of a store that keep the last few blocks, so that tensors that share a block do not each read and verify all of
 * it; who asks for a block on its way waits for that.
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
