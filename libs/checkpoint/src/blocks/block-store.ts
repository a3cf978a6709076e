export interface StoredBlock {
  readonly sha256: string;
  readonly bytes: number;
  /** When it was last put, wall clock milliseconds. */
  readonly putAtMs: number;
}

/** Immutable blocks addressed by the SHA-256 of their bytes (lower-case hexadecimal). */
export interface BlockStore {
  /**
   * Durable when it resolves; a block that is there already is kept. Errors: CHECKPOINT.BLOCK_CORRUPT, DISK_FULL.
   */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  /** Errors: CHECKPOINT.BLOCK_MISSING, BLOCK_CORRUPT. */
  get(sha256: string): Promise<Uint8Array>;
  has(sha256: string): Promise<boolean>;
  /** Bytes of the block; undefined when it is not there. */
  sizeOf(sha256: string): Promise<number | undefined>;
  /** Nothing happens when it is not there. */
  delete(sha256: string): Promise<void>;
  list(): AsyncIterable<StoredBlock>;
}
