/** What people call the device: the most informative of the fields that the driver fills in. */
export function adapterName(adapter: Readonly<Record<string, unknown>>): string {
  for (const key of ['description', 'name', 'device', 'architecture', 'vendor']) {
    const value = adapter[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return 'unknown device';
}
