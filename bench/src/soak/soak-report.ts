import type { Reading } from './readings';

const MIB = 1024 ** 2;
/** An agent's resident memory after many runs, over that after its first. */
const RESIDENT_RATIO_MAX = 1.3;
const HANDLES_MORE_MAX = 20;
/** What a table of a few rows that change all the time may take. */
const BUSY_TABLE_BYTES_MAX = MIB;
const QUEUE_EVENTS_MAX = 600;
/** Two files of 16 MiB and what comes between two looks, for each of four processes. */
const LOG_BYTES_MAX = 160 * MIB;

export interface Check {
  readonly what: string;
  readonly value: string;
  readonly wanted: string;
  readonly isMet: boolean;
}

/** What must be flat or bounded, told from the first and the last reading. */
export function checks(readings: readonly Reading[], failures: readonly string[]): Check[] {
  const [first, last] = [readings[0]!, readings.at(-1)!];
  const atMost = (what: string, value: number, max: number): Check => {
    return { what, value: String(Number(value.toFixed(2))), wanted: `at most ${max}`, isMet: value <= max };
  };
  const agents = ['agent-1', 'agent-2'].map((name) =>
    atMost(
      `resident memory of ${name}, last over first`,
      last.processes[name]!.residentBytes / first.processes[name]!.residentBytes,
      RESIDENT_RATIO_MAX,
    ),
  );
  const handles = Object.keys(first.processes).map((name) =>
    atMost(
      `handles of ${name} more than at first`,
      last.processes[name]!.handles - first.processes[name]!.handles,
      HANDLES_MORE_MAX,
    ),
  );
  const tables = ['Agent', 'Lease'].map((name) =>
    atMost(`MiB of table ${name}`, (last.tableBytes[name] ?? 0) / MIB, BUSY_TABLE_BYTES_MAX / MIB),
  );
  return [
    ...agents,
    ...handles,
    ...tables,
    atMost('rows of bullmq.event', last.rows['bullmq.event'] ?? 0, QUEUE_EVENTS_MAX),
    atMost('MiB of logs', last.logBytes / MIB, LOG_BYTES_MAX / MIB),
    atMost('failures', failures.length, 0),
  ];
}

export function report(readings: readonly Reading[], failures: readonly string[]): string {
  const picked = [0, 0.25, 0.5, 0.75, 1].map((part) => readings[Math.round(part * (readings.length - 1))]!);
  const row = (name: string, cell: (reading: Reading) => string): string =>
    `| ${name} | ${picked.map(cell).join(' | ')} |`;
  const mib = (bytes: number | undefined): string => ((bytes ?? 0) / MIB).toFixed(1);
  const names = Object.keys(picked[0]!.processes);
  const largest = Object.entries(readings.at(-1)!.tableBytes).slice(0, 6);
  const tables = [...new Set([...largest.map(([name]) => name), 'Agent', 'Lease'])];
  const lines = [
    row('minute', ({ minute }) => minute.toFixed(1)),
    `|---${'|---'.repeat(picked.length)}|`,
    row('runs', ({ runCount }) => String(runCount)),
    ...names.map((name) => row(`${name}: MiB resident`, (each) => mib(each.processes[name]?.residentBytes))),
    ...names.map((name) => row(`${name}: handles`, (each) => String(each.processes[name]?.handles))),
    ...names.map((name) => row(`${name}: threads`, (each) => String(each.processes[name]?.threads))),
    ...tables.map((name) => row(`table ${name}: MiB`, (each) => mib(each.tableBytes[name]))),
    ...Object.keys(picked[0]!.rows).map((name) => row(`rows of ${name}`, (each) => String(each.rows[name]))),
    row('logs: MiB', ({ logBytes }) => mib(logBytes)),
    '',
    ...checks(readings, failures).map(
      ({ what, value, wanted, isMet }) => `${isMet ? 'met' : 'NOT MET'}: ${what} ${value}, ${wanted}`,
    ),
    ...failures.slice(0, 10).map((failure) => `failure: ${failure}`),
  ];
  return lines.join('\n');
}
