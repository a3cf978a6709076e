import type { Command } from 'commander';
import { type LogLineBody, type MetricPage, METRICS } from '@millrace/contracts';
import { type AppError, isFinal, sleep } from '@millrace/core';
import { type MillraceClient, allPages } from '@millrace/sdk';
import { type CommandContext, command, nonNegative, wholeNumber } from '../command-context';
import { table } from '../table';
import { metricUnknown } from './commands.errors';
import { whileApiIsAway } from './while-api-is-away';

interface Json {
  readonly json?: boolean;
}

const POLL_MS = 500;

/** The commands about what runs produce: metrics, logs, text. */
export function runDataCommands(context: CommandContext): Command[] {
  return [metricsCommand(context), logsCommand(context), generateCommand(context)];
}

function metricsCommand(context: CommandContext): Command {
  return command(
    'metrics',
    'print a metric of a run, one point per step',
    'millrace metrics run_0a1b2c3d4e5f6g7h --name val/loss',
  )
    .argument('<run>', 'id of the run')
    .option('--name <metric>', Object.keys(METRICS).join(', '), 'train/loss')
    .action(async (id: string, options: Json & { name: string }) => {
      if (!Object.hasOwn(METRICS, options.name)) throw metricUnknown(options.name, Object.keys(METRICS));
      const client = context.client();
      const points = await allPages(async (page) => {
        const { points: items, nextCursor } = await client.metrics(id, options.name, page);
        return { items, nextCursor };
      }, 10_000_000);
      context
        .output(options)
        .result(points, (all) =>
          all.length === 0 ? `no points of ${options.name} yet` : pointTable(options.name, all),
        );
    });
}

/**
 * Points of a run. Where old points were thinned, one point stands for several; the table says how many and in which
 * range.
 */
function pointTable(name: string, points: MetricPage['points']): string {
  if (points.every(({ summary }) => summary === undefined))
    return table(
      ['step', name],
      points.map(({ step, value }) => [step, value]),
    );
  return table(
    ['step', name, 'of steps', 'least', 'most', 'mean'],
    points.map(({ step, value, summary }) =>
      summary === undefined
        ? [step, value, '', '', '', '']
        : [step, value, summary.steps, summary.min, summary.max, summary.mean],
    ),
  );
}

function logsCommand(context: CommandContext): Command {
  return command('logs', 'print what the agents logged for a run', 'millrace logs -f run_0a1b2c3d4e5f6g7h')
    .argument('<run>', 'id of the run')
    .option('-f, --follow', 'stay until the run ends')
    .action(async (id: string, options: Json & { follow?: boolean }) => {
      const output = context.output(options);
      const client = context.client();
      const lines: LogLineBody[] = [];
      let after: string | undefined;
      const onAway = ({ message }: AppError): void => output.note(`${message}; trying again`);
      const answered = <T>(work: () => Promise<T>): Promise<T> =>
        options.follow === true ? whileApiIsAway(work, { clock: context.clock, onAway }) : work();
      for (;;) {
        const ended = options.follow !== true || isFinal((await answered(() => client.run(id))).state);
        const from = after;
        const fresh = await answered(() => logsAfter(client, id, from));
        after = fresh.cursor;
        if (output.json) lines.push(...fresh.lines);
        else for (const line of fresh.lines) output.line(logText(line));
        if (ended) break;
        await sleep(context.clock, POLL_MS);
      }
      if (output.json) output.result(lines, () => '');
    });
}

async function logsAfter(
  client: MillraceClient,
  id: string,
  after: string | undefined,
): Promise<{ lines: LogLineBody[]; cursor: string | undefined }> {
  const lines: LogLineBody[] = [];
  let cursor = after;
  for (;;) {
    const page = await client.logs(id, { limit: 1000, ...(cursor === undefined ? {} : { after: cursor }) });
    lines.push(...page.items);
    cursor = page.items.at(-1)?.id ?? cursor;
    if (page.nextCursor === null) return { lines, cursor };
  }
}

function logText({ time, level, stage, text }: LogLineBody): string {
  return `${time} ${level.padEnd(5)} ${stage < 0 ? 'run    ' : `stage ${stage}`} ${text}`;
}

function generateCommand(context: CommandContext): Command {
  return command(
    'generate',
    'let a checkpoint write text',
    "millrace generate ckpt_0a1b2c3d4e5f6g7h --prompt 'Call me' --tokens 200",
  )
    .argument('<checkpoint>', 'id of the checkpoint')
    .requiredOption('--prompt <text>', 'what the text begins with')
    .option('--tokens <count>', 'how many tokens to write', wholeNumber(1), 100)
    .option('--temperature <number>', '0 always takes the most probable token', nonNegative, 0.8)
    .option('--seed <number>', 'the same seed writes the same text', wholeNumber(0), 0)
    .action(
      async (id: string, options: Json & { prompt: string; tokens: number; temperature: number; seed: number }) => {
        const { prompt, tokens, temperature, seed } = options;
        const generated = await context.client().generate(id, { prompt, maxTokens: tokens, temperature, seed });
        context.output(options).result(generated, ({ text }) => text);
      },
    );
}
