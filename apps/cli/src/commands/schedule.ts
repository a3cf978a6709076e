import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  SCHEDULE_NAMES,
  type ScheduleName,
  type ScheduleReport,
  drawScheduleSvg,
  reportSchedule,
} from './schedule-report';
import { type CommandContext, command, wholeNumber } from '../command-context';

interface ScheduleOptions {
  readonly ranks: number;
  readonly microbatches: number;
  readonly chunks: number;
  readonly times: { F: number; I: number; W: number };
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly svg?: boolean;
}

/** `millrace schedule NAME`: draws and measures a schedule; needs no cluster. */
export function scheduleCommand(context: CommandContext): Command {
  return command(
    'schedule',
    'draw a pipeline schedule and account for its bubble',
    'millrace schedule 1f1b --ranks 4 --microbatches 8',
  )
    .argument('<name>', `one of ${SCHEDULE_NAMES.join(', ')}`, scheduleName)
    .requiredOption('--ranks <p>', 'pipeline ranks', wholeNumber(1))
    .requiredOption('--microbatches <m>', 'micro-batches per step', wholeNumber(1))
    .option('--chunks <v>', 'virtual stages per rank', wholeNumber(1), 1)
    .addOption(
      new Option('--times <F,I,W>', "times of one rank's whole share")
        .argParser(parseTimes)
        .default({ F: 1, I: 1, W: 1 }, '1,1,1'),
    )
    .option('--csv', 'print the actions, one line per rank')
    .option('--svg', 'print a drawing')
    .action((name: ScheduleName, options: ScheduleOptions) => {
      const report = reportSchedule({
        name,
        ranks: options.ranks,
        microBatches: options.microbatches,
        chunks: options.chunks,
        times: options.times,
      });
      if (options.svg === true) process.stdout.write(drawScheduleSvg(report));
      else if (options.csv === true) process.stdout.write(report.csv);
      else context.output(options).result(report.summary, () => describe(report));
    });
}

function scheduleName(text: string): ScheduleName {
  const name = SCHEDULE_NAMES.find((known) => known === text);
  if (name === undefined) throw new InvalidArgumentError(`this build has ${SCHEDULE_NAMES.join(' and ')}.`);
  return name;
}

function parseTimes(text: string): { F: number; I: number; W: number } {
  const [F, I, W, ...rest] = text.split(',').map(Number);
  const usable = (time: number | undefined): time is number => time !== undefined && Number.isFinite(time) && time >= 0;
  if (!usable(F) || !usable(I) || !usable(W) || rest.length > 0 || F + I + W === 0) {
    throw new InvalidArgumentError('it must be three times such as 1,1,1.');
  }
  return { F, I, W };
}

function describe({ timetable, summary }: ScheduleReport): string {
  const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)}%`;
  return [
    timetable,
    '',
    `step time ${summary.stepTime}; bubble ${percent(summary.bubbleOfTotal)} of total, ${percent(summary.bubbleOfIdeal)} of ideal`,
    `idle per rank            ${summary.idlePerRank.join('  ')}`,
    `peak micro-batches       ${summary.peakMicroBatches.untilInput.join('  ')} (until I), ${summary.peakMicroBatches.untilWeight.join('  ')} (until W)`,
  ].join('\n');
}
