const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat('en');

/** Example: 12,345 */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** Example: 12.3K */
export function formatCompact(count: number): string {
  return compact.format(count);
}

/** Four significant digits, whatever the size of the number, which is a loss, a rate or a norm. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2).replace(/\.?0+e/, 'e');
  return String(Number(value.toPrecision(5)));
}

/** Two significant digits, which are enough for a single measurement: 640, 12, 0.57. */
export function formatMeasured(value: number): string {
  return value >= 100 ? formatCount(Math.round(value)) : String(Number(value.toPrecision(2)));
}

/** Example: 12.5% for a ratio of 0.125 */
export function formatPercent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio !== 0 && ratio < 0.1 ? 1 : 0)}%`;
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Example: 1.5 GiB */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(BINARY.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${BINARY[power]}`;
}
