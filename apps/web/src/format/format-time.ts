const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/**
 * The two largest units: 1 h 5 min. Below ten seconds there is one decimal; below one second the unit is milliseconds.
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return '0 s';
  if (Math.round(ms) < 1_000) return `${ms < 10 ? Number(ms.toPrecision(2)) : Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const index = UNITS.findIndex(([, unitMs]) => ms >= unitMs);
  const [name, unitMs] = UNITS[index] ?? UNITS[3];
  const count = Math.floor(ms / unitMs);
  const next = UNITS[index + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % unitMs) / next[1]);
  return rest === 0 || next === undefined ? `${count} ${name}` : `${count} ${name} ${rest} ${next[0]}`;
}

/** Examples: 5 min ago; in 3 h */
export function formatAgo(time: string, nowMs: number): string {
  const ms = nowMs - Date.parse(time);
  if (Math.abs(ms) < 5_000) return 'just now';
  const index = UNITS.findIndex(([, unitMs]) => Math.abs(ms) >= unitMs);
  const [name, unitMs] = UNITS[index] ?? UNITS[3];
  const text = `${Math.floor(Math.abs(ms) / unitMs)} ${name}`;
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

/** Example: 14:03:27, in the reader's time zone. */
export function formatClock(time: string): string {
  return new Date(time).toLocaleTimeString('en-GB');
}

/** Example: 2026-03-01 14:03:27, in the reader's time zone. */
export function formatDateTime(time: string): string {
  const date = new Date(time);
  return `${date.toLocaleDateString('sv-SE')} ${date.toLocaleTimeString('en-GB')}`;
}
