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

/** However much a rank holds, its snapshot stages no more than this. */
export const STAGING_BYTES_MAX = SNAPSHOT_WINDOW.groupBytes * SNAPSHOT_WINDOW.groupCount;

/**
 * Bytes through which a rank's snapshot is staged, once for the rank, besides its tensors. Where the device has memory
 * of its own, a driver may take them of the host's; they are counted all the same. What is sent to neighbours is staged
 * too and not counted here: the part of a device that no stage is planned into is for that.
 *
 * @param stateBytes of the rank's weights, in one version, and its optimizer's state
 */
export function stagingBytes(stateBytes: number): number {
  return Math.min(STAGING_BYTES_MAX, stateBytes);
}
