export interface BlockToPut {
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly runId: string;
  readonly fence: number;
  /** The step of the checkpoint that the block is for. */
  readonly step: number;
}

/**
 * Gets and puts the API's blobs. The kind of an error tells what is wrong: 'aborted': the fence is old; 'exhausted':
 * the API's disk is nearly full; 'unavailable': the API cannot be reached; 'not_found'.
 */
export interface BlobPort {
  get(sha256: string, offset: number): AsyncIterable<Uint8Array>;
  put(block: BlockToPut): Promise<void>;
}
