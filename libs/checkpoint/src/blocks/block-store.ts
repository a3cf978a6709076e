export interface StoredBlock {
  readonly sha256: string;
  readonly bytes: number;
  /** When it was last put, in milliseconds of the wall clock. */
  readonly putAtMs: number;
}

/** Immutable blocks addressed by the SHA-256 of their bytes (lower-case hexadecimal). */
export interface BlockStore {
  /**
   * Resolves when the block is durable; a block that exists already is kept. Throws CHECKPOINT.BLOCK_CORRUPT,
   * DISK_FULL.
   */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  /** Throws CHECKPOINT.BLOCK_MISSING, BLOCK_CORRUPT. */
  get(sha256: string): Promise<Uint8Array>;
  has(sha256: string): Promise<boolean>;
  /** The length of the block in bytes; undefined when it does not exist. */
  sizeOf(sha256: string): Promise<number | undefined>;
  /** Does nothing when the block does not exist. */
  delete(sha256: string): Promise<void>;
  list(): AsyncIterable<StoredBlock>;
}
