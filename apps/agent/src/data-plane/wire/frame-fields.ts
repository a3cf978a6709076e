/** Tags of Frame in proto/millrace/stage/v1: (number << 3) | wire type (0 varint, 2 length-delimited, 5 fixed32). */
export const TAG = {
  runId: (1 << 3) | 2,
  fence: 2 << 3,
  step: 3 << 3,
  edge: (4 << 3) | 2,
  chunk: 5 << 3,
  microBatch: 6 << 3,
  direction: (7 << 3) | 2,
  dtype: (8 << 3) | 2,
  /** Packed, as proto3 writes it. */
  shape: (9 << 3) | 2,
  sizeOfShape: 9 << 3,
  checksum: (10 << 3) | 5,
  sequence: 11 << 3,
  fromRank: 12 << 3,
  /** Last, so that the payload follows uncopied. */
  payload: (15 << 3) | 2,
} as const;
