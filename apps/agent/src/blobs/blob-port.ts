export interface BlockToPut {
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly runId: string;
  readonly fence: number;
  /** Of the checkpoint that it is for. */
  readonly step: number;
}

/**
 * The API's blobs. Errors by kind: 'aborted' under an old fence, 'exhausted' when its disk is nearly full, 'unavailable'
 * while it cannot be reached, 'not_found'.
 */
export interface BlobPort {
  get(sha256: string, offset: number): AsyncIterable<Uint8Array>;
  put(block: BlockToPut): Promise<void>;
}
