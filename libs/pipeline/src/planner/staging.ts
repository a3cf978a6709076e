const MIB = 1024 * 1024;

/**
 * Bounds how much of a snapshot may be copied out of its tensors and not yet taken: one command copies one group. It
 * lies in buffers of the device that the host can read.
 */
export interface SnapshotWindow {
  readonly groupBytes: number;
  readonly groupCount: number;
}

export const SNAPSHOT_WINDOW: SnapshotWindow = { groupBytes: 32 * MIB, groupCount: 4 };

/**
 * So many tensors may be on their way from the device to the host for other ranks. The device has that many to finish
 * while the host catches up, and a rank that waits for the first of them waits for its own device alone.
 */
export const STAGED_SENDS_MAX = 4;

/** Buffers of one size, through which a device's tensors are read. */
export interface StagingSize {
  readonly bytes: number;
  readonly count: number;
}

/** What a rank copies out of its tensors. */
export interface StagedTensors {
  /** Bytes of the rank's weights, in one version, and of its optimizer's state. */
  readonly stateBytes: number;
  /** Bytes of one activation or gradient between two stages; 0 if there is one stage. */
  readonly boundaryBytes: number;
  /** Bytes of the gradient of a tied embedding that another rank adds to its own; 0 if there is none. */
  readonly tiedBytes: number;
}

/**
 * The buffers of a rank, which are made before its first step and kept, so that what is planned is what is allocated.
 * Where the device has memory of its own, a driver may take them of the host's; they are counted all the same. What is
 * not counted is the small buffer for a step's norms and losses.
 */
export interface RankStaging {
  readonly snapshot: StagingSize;
  readonly sends: StagingSize;
  readonly tied: StagingSize;
}

export function rankStaging(
  { stateBytes, boundaryBytes, tiedBytes }: StagedTensors,
  { groupBytes, groupCount } = SNAPSHOT_WINDOW,
): RankStaging {
  const groups = Math.ceil(stateBytes / groupBytes);
  return {
    snapshot: { bytes: Math.min(groupBytes, stateBytes), count: Math.min(groupCount, groups) },
    sends: { bytes: boundaryBytes, count: boundaryBytes === 0 ? 0 : STAGED_SENDS_MAX },
    tied: { bytes: tiedBytes, count: tiedBytes === 0 ? 0 : 1 },
  };
}

/** Bytes of all buffers of a rank. */
export function stagingBytes(staged: StagedTensors, window = SNAPSHOT_WINDOW): number {
  const sizes: readonly StagingSize[] = Object.values(rankStaging(staged, window));
  return sizes.reduce((sum, { bytes, count }) => sum + bytes * count, 0);
}
