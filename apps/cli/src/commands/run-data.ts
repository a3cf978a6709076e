import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { LogLineBody } from '@millrace/contracts';
import { type AppError, sleep } from '@millrace/core';
import { type MillraceClient, type RequestBody, allPages } from '@millrace/sdk';
import { type CommandContext, command, nonNegative, wholeNumber } from '../command-context';
import { age, bytesText, table } from '../table';
import { fileUnreadable } from './commands.errors';
import { whileApiIsAway } from './while-api-is-away';

interface Json {
  readonly json?: boolean;
}

const POLL_MS = 500;
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/** The commands about what runs read and make: metrics, logs, generate, datasets. */
export function runDataCommands(context: CommandContext): Command[] {
  return [metricsCommand(context), logsCommand(context), generateCommand(context), datasetsCommand(context)];
}

function metricsCommand(context: CommandContext): Command {
  return command(
    'metrics',
    'print a metric of a run, one point per step',
    'millrace metrics run_0a1b2c3d4e5f6g7h --name val/loss',
  )
    .argument('<run>', 'id of the run')
    .option('--name <metric>', 'train/loss, train/grad_norm, train/lr, train/tokens_per_second, val/loss', 'train/loss')
    .action(async (id: string, options: Json & { name: string }) => {
      const client = context.client();
      const points = await allPages(async (cursor) => {
        const page = await client.metrics(id, options.name, {
          limit: 1000,
          ...(cursor === undefined ? {} : { cursor }),
        });
        return { items: page.points, nextCursor: page.nextCursor };
      }, 10_000_000);
      context.output(options).result(points, (all) =>
        all.length === 0
          ? `no points of ${options.name} yet`
          : table(
              ['step', options.name],
              all.map(({ step, value }) => [step, value]),
            ),
      );
    });
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
        const ended = options.follow !== true || ENDED.has((await answered(() => client.run(id))).state);
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
    .option('--temperature <number>', '0 takes the likeliest token each time', nonNegative, 0.8)
    .option('--seed <number>', 'the same seed writes the same text', wholeNumber(0), 0)
    .action(
      async (id: string, options: Json & { prompt: string; tokens: number; temperature: number; seed: number }) => {
        const { prompt, tokens, temperature, seed } = options;
        const generated = await context.client().generate(id, { prompt, maxTokens: tokens, temperature, seed });
        context.output(options).result(generated, ({ text }) => text);
      },
    );
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.txt': 'text/plain',
  '.ndjson': 'application/x-ndjson',
  '.jsonl': 'application/x-ndjson',
  '.bin': 'application/x-tokens-u16',
};

function datasetsCommand(context: CommandContext): Command {
  const datasets = command(
    'datasets',
    'list datasets, or make one from a file',
    'millrace datasets create corpus.txt --tokenizer char',
  ).action(async (options: Json) => {
    const client = context.client();
    const items = await allPages((cursor) => client.datasets(cursor === undefined ? {} : { cursor }));
    context.output(options).result(items, (all) =>
      all.length === 0
        ? 'no datasets yet; make one with: millrace datasets create FILE --tokenizer char'
        : table(
            ['id', 'name', 'tokenizer', 'tokens', 'vocab', 'size', 'created'],
            all.map((d) => [
              d.id,
              d.name,
              d.tokenizer,
              d.tokens,
              d.vocab,
              bytesText(d.bytes),
              age(d.createdAt, context.clock.now()),
            ]),
          ),
    );
  });
  datasets.addCommand(createCommand(context));
  datasets.addCommand(
    command('delete', 'delete a dataset that no run uses', 'millrace datasets delete ds_0a1b2c3d4e5f6g7h')
      .argument('<dataset>', 'id of the dataset')
      .action(async (id: string, _options: Json, self: Command) => {
        await context.client().deleteDataset(id);
        context.output(self.optsWithGlobals<Json>()).result({ id, deleted: true }, () => `${id} deleted`);
      }),
  );
  return datasets;
}

interface CreateOptions extends Json {
  readonly name?: string;
  readonly tokenizer?: string;
}

function createCommand(context: CommandContext): Command {
  return command(
    'create',
    'make a dataset from a text, NDJSON or token file',
    'millrace datasets create corpus.txt --tokenizer char',
  )
    .argument('<file>', '.txt, .ndjson or .jsonl text; .bin little-endian uint16 tokens')
    .option('--name <name>', 'unique name (default: the file name without its ending)')
    .option('--tokenizer <name>', 'byte, char or gpt2; none for token files')
    .action(async (file: string, _options: CreateOptions, self: Command) => {
      const options = self.optsWithGlobals<CreateOptions>();
      const contentType = CONTENT_TYPES[extname(file)] ?? 'text/plain';
      requireFile(file);
      const dataset = await context.client().createDataset({
        name: options.name ?? basename(file, extname(file)),
        ...(options.tokenizer === undefined ? {} : { tokenizer: options.tokenizer }),
        contentType,
        body: Readable.toWeb(createReadStream(file)) as RequestBody,
      });
      context.output(options).result(dataset, (d) => `${d.id} ${d.name}: ${d.tokens} tokens, vocabulary ${d.vocab}`);
    });
}

function requireFile(path: string): void {
  try {
    statSync(path);
  } catch (cause) {
    throw fileUnreadable(path, cause);
  }
}
