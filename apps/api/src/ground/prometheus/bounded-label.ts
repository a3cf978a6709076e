/**
 * Values of a label that others choose: only the first `countMax` values are kept apart, so that no input can flood
 * Prometheus.
 */
export class BoundedLabel {
  private readonly known = new Set<string>();

  constructor(private readonly countMax = 100) {}

  of(value: string): string {
    if (this.known.has(value)) return value;
    if (this.known.size >= this.countMax) return 'other';
    this.known.add(value);
    return value;
  }
}
