export interface NearestDevices {
  readonly devices: readonly { readonly name: string; readonly obstacles: readonly string[] }[];
  /** How many devices would be needed in addition. */
  readonly missingDevices: number;
}

/** Reads the scheduler's nearest placement, whose type the API leaves open; undefined if there is none. */
export function readNearest(value: unknown): NearestDevices | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { devices, missingDevices } = value as { devices?: unknown; missingDevices?: unknown };
  const read = (Array.isArray(devices) ? devices : []).map((device: { name?: unknown; obstacles?: unknown }) => ({
    name: String(device.name),
    obstacles: Array.isArray(device.obstacles) ? device.obstacles.map(String) : [],
  }));
  const missing = typeof missingDevices === 'number' ? missingDevices : 0;
  return read.length === 0 && missing === 0 ? undefined : { devices: read, missingDevices: missing };
}
