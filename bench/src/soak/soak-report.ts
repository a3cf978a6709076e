import type { Reading } from './readings';

const MIB = 1024 ** 2;
const KIB = 1024;
/** An idle agent's resident memory after many runs, over that before its first. */
const RESIDENT_RATIO_MAX = 1.3;
const HANDLES_MORE_MAX = 20;
const THREADS_MORE_MAX = 16;
/** What a table of a few rows that change all the time may take. */
const BUSY_TABLE_MIB_MAX = 1;
/** Tables that keep a record of every run for as long as settings say. */
const KEPT_TABLES = ['Event', 'AuditEntry', 'LayerProfile', 'MetricPoint', 'LogLine', 'Attempt'];
/** What a run of a few steps may leave in them, indexes included. */
const KEPT_KIB_A_RUN_MAX = 64;
const QUEUE_EVENTS_MAX = 600;
/** Connections of the API's pools to the database. */
const CONNECTIONS_MAX = 40;
/** Two files of 16 MiB and what comes between two looks, for each of four processes. */
const LOG_MIB_MAX = 160;
const COLUMNS = [0, 0.25, 0.5, 0.75, 1];
const LARGEST_TABLES = 6;
const FAILURES_SHOWN = 10;

export interface Check {
  readonly what: string;
  readonly value: number;
  readonly max: number;
}

export function isMet({ value, max }: Check): boolean {
  return value <= max;
}

/** What must be flat or bounded, told from the first and the last reading. */
export function checks(readings: readonly Reading[], failures: readonly string[]): Check[] {
  const [first, last] = [readings[0]!, readings.at(-1)!];
  const runCount = Math.max(1, last.runCount - first.runCount);
  const names = Object.keys(first.processes);
  const more = (name: string, of: 'handles' | 'threads'): number =>
    last.processes[name]![of] - first.processes[name]![of];
  const grown = (table: string): number => (last.tableBytes[table] ?? 0) - (first.tableBytes[table] ?? 0);
  return [
    ...names
      .filter((name) => name.startsWith('agent-'))
      .map((name) => ({
        what: `resident memory of ${name}, idle after ${last.runCount} runs over fresh`,
        value: last.processes[name]!.residentBytes / first.processes[name]!.residentBytes,
        max: RESIDENT_RATIO_MAX,
      })),
    ...names.map((name) => ({ what: `more handles of ${name}`, value: more(name, 'handles'), max: HANDLES_MORE_MAX })),
    ...names.map((name) => ({ what: `more threads of ${name}`, value: more(name, 'threads'), max: THREADS_MORE_MAX })),
    {
      what: 'processes that were started anew',
      value: names.filter((name) => last.processes[name]!.pid !== first.processes[name]!.pid).length,
      max: 0,
    },
    ...['Agent', 'Lease', 'FreedBlock', 'BlockHold'].map((name) => ({
      what: `MiB of table ${name}`,
      value: (last.tableBytes[name] ?? 0) / MIB,
      max: BUSY_TABLE_MIB_MAX,
    })),
    ...KEPT_TABLES.map((name) => ({
      what: `KiB a run that table ${name} grew by`,
      value: grown(name) / KIB / runCount,
      max: KEPT_KIB_A_RUN_MAX,
    })),
    { what: 'rows of bullmq.event', value: last.rows['bullmq.event'] ?? 0, max: QUEUE_EVENTS_MAX },
    { what: 'rows of Lease, at the end', value: last.rows['Lease'] ?? 0, max: 0 },
    { what: 'connections to the database', value: last.rows['pg_stat_activity'] ?? 0, max: CONNECTIONS_MAX },
    {
      what: 'blocks in the store that no checkpoint names, at the end',
      value: last.blockCount - (last.rows['CheckpointBlock'] ?? 0),
      max: 0,
    },
    { what: 'MiB of logs', value: last.logBytes / MIB, max: LOG_MIB_MAX },
    { what: 'failures', value: failures.length, max: 0 },
  ];
}

/** The table and the verdicts, both as Markdown. */
export function report(readings: readonly Reading[], failures: readonly string[]): string {
  const all = checks(readings, failures);
  const failed = all.filter((check) => !isMet(check));
  const number = (value: number): string => String(Number(value.toFixed(2)));
  return [
    ...table(readings),
    '',
    '| bound | measured | at most | |',
    '|---|---|---|---|',
    ...all.map(
      (check) =>
        `| ${check.what} | ${number(check.value)} | ${number(check.max)} | ${isMet(check) ? 'met' : '**not met**'} |`,
    ),
    '',
    failed.length === 0 ? `all ${all.length} bounds are met` : `${failed.length} of ${all.length} bounds are not met`,
    ...failures.slice(0, FAILURES_SHOWN).map((failure) => `failure: ${failure}`),
  ].join('\n');
}

function table(readings: readonly Reading[]): string[] {
  const picked = [...new Set(COLUMNS.map((part) => readings[Math.round(part * (readings.length - 1))]!))];
  const row = (name: string, cell: (reading: Reading) => string | number | undefined): string =>
    `| ${name} | ${picked.map((reading) => cell(reading) ?? 0).join(' | ')} |`;
  const mib = (bytes: number | undefined): string => ((bytes ?? 0) / MIB).toFixed(1);
  const names = Object.keys(picked[0]!.processes);
  const largest = Object.entries(readings.at(-1)!.tableBytes)
    .sort(([, a], [, b]) => b - a)
    .slice(0, LARGEST_TABLES);
  const tables = [...new Set([...largest.map(([name]) => name), 'Agent', 'Lease'])];
  return [
    row('minute', ({ minute }) => minute.toFixed(1)),
    `|---${'|---'.repeat(picked.length)}|`,
    row('runs', ({ runCount }) => runCount),
    ...names.map((name) => row(`${name}: MiB resident`, (each) => mib(each.processes[name]?.residentBytes))),
    ...names.map((name) => row(`${name}: handles`, (each) => each.processes[name]?.handles)),
    ...names.map((name) => row(`${name}: threads`, (each) => each.processes[name]?.threads)),
    ...tables.map((name) => row(`table ${name}: MiB`, (each) => mib(each.tableBytes[name]))),
    ...Object.keys(picked[0]!.rows).map((name) => row(`rows of ${name}`, (each) => each.rows[name])),
    row('blocks in the store', ({ blockCount }) => blockCount),
    row('logs: MiB', ({ logBytes }) => mib(logBytes)),
  ];
}
