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
 * of its own, a driver may take them of the host's; they are counted all the same. Two things are not counted here, and
 * left to the part of a device that no stage is planned into: what is sent to neighbours, and that the buffers of a
 * small state may be up to twice as large as what they hold.
 *
 * @param stateBytes of the rank's weights, in one version, and its optimizer's state
 */
export function stagingBytes(stateBytes: number): number {
  return Math.min(STAGING_BYTES_MAX, stateBytes);
}
