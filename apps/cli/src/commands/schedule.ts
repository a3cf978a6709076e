import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { FLUSHLESS_SCHEDULES, parseScheduleCsv, SCHEDULE_NAMES } from '@millrace/pipeline';
import { fileUnreadable, optionMissing } from './commands.errors';
import { type ScheduleReport, type TimedScheduleRequest, drawScheduleSvg, reportSchedule } from './schedule-report';
import { type CommandContext, command, wholeNumber } from '../command-context';

interface ScheduleOptions {
  readonly ranks?: number;
  readonly microbatches?: number;
  readonly chunks?: number;
  readonly groupSize?: number;
  readonly steps?: number;
  readonly file?: string;
  readonly times: { F: number; I: number; W: number };
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly svg?: boolean;
}

const KNOWN = [...SCHEDULE_NAMES, 'csv'];

/** `millrace schedule NAME` draws and measures a schedule; it needs no cluster. */
export function scheduleCommand(context: CommandContext): Command {
  return command(
    'schedule',
    'draw a pipeline schedule and account for its bubble',
    'millrace schedule zb-v --ranks 4 --microbatches 8',
  )
    .argument('<name>', `one of ${KNOWN.join(', ')}`, scheduleName)
    .option('--ranks <p>', 'pipeline ranks', wholeNumber(1))
    .option('--microbatches <m>', 'micro-batches per step', wholeNumber(1))
    .option('--chunks <v>', "virtual stages per rank (default: the schedule's own)", wholeNumber(1))
    .option('--group-size <n>', 'interleaved: micro-batches per chunk and turn, p to m', wholeNumber(1))
    .option('--steps <n>', 'pipedream, pipedream-2bw: steps without a flush', wholeNumber(1))
    .option('--file <path>', 'csv: the schedule, one row per rank; - reads standard input')
    .addOption(
      new Option('--times <F,I,W>', "times of one rank's whole share")
        .argParser(parseTimes)
        .default({ F: 1, I: 1, W: 1 }, '1,1,1'),
    )
    .option('--csv', 'print the actions, one line per rank')
    .option('--svg', 'print a drawing')
    .action((name: string, options: ScheduleOptions) => {
      const report = reportSchedule(requestOf(name, options));
      if (options.svg === true) process.stdout.write(drawScheduleSvg(report));
      else if (options.csv === true) process.stdout.write(report.csv);
      else context.output(options).result(report.summary, () => describe(report));
    });
}

/** A schedule from a file tells its own size. */
function requestOf(name: string, options: ScheduleOptions): TimedScheduleRequest {
  const { chunks, groupSize, steps, times } = options;
  const csv = name === 'csv' ? readSchedule(options.file) : undefined;
  const own = csv === undefined ? undefined : parseScheduleCsv(csv);
  const ranks = options.ranks ?? own?.ranks;
  const microBatches = options.microbatches ?? own?.microBatches;
  if (ranks === undefined) throw optionMissing('--ranks <p>');
  if (microBatches === undefined) throw optionMissing('--microbatches <m>');
  return { name, ranks, microBatches, chunks, groupSize, steps, csv, times };
}

function readSchedule(path: string | undefined): string {
  if (path === undefined) throw optionMissing('--file <path>');
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw fileUnreadable(path, error);
  }
}

function scheduleName(text: string): string {
  if (!KNOWN.includes(text)) throw new InvalidArgumentError(`use one of ${KNOWN.join(', ')}.`);
  return text;
}

function parseTimes(text: string): { F: number; I: number; W: number } {
  const [F, I, W, ...rest] = text.split(',').map(Number);
  const usable = (time: number | undefined): time is number => time !== undefined && Number.isFinite(time) && time >= 0;
  if (!usable(F) || !usable(I) || !usable(W) || rest.length > 0 || F + I + W === 0) {
    throw new InvalidArgumentError('it must be three times such as 1,1,1.');
  }
  return { F, I, W };
}

function describe({ request, timetable, summary }: ScheduleReport): string {
  const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)}%`;
  const list = (numbers: readonly number[]): string => numbers.map((value) => Number(value.toFixed(4))).join('  ');
  const { stepTime, peakMicroBatches } = summary;
  const flushes = !FLUSHLESS_SCHEDULES.some((name) => name === request.name);
  const bubble = flushes
    ? `step time ${list([stepTime])}; bubble ${percent(summary.bubbleOfTotal)} of total, ${percent(summary.bubbleOfIdeal)} of ideal`
    : `no bubble, since no step waits for another; time ${list([stepTime])} for what is drawn, whose ends are idle once per run`;
  return [
    timetable,
    '',
    bubble,
    `idle per rank            ${list(summary.idlePerRank)}`,
    `idle within its span     ${list(summary.spanIdlePerRank)}`,
    `peak micro-batches       ${list(peakMicroBatches.untilInput)} (until I), ${list(peakMicroBatches.untilWeight)} (until W)`,
  ].join('\n');
}
