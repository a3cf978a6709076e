import { bytesText } from '@millrace/core';
import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { DATASET_FILE_ENDINGS, type DatasetBody, datasetContentType } from '@millrace/contracts';
import { type DatasetUpload, type MillraceClient, type RequestBody, allPages } from '@millrace/sdk';
import { type CommandContext, command } from '../command-context';
import { readMobyDick } from '../quickstart/corpus';
import { age, table } from '../table';
import { datasetUnknown, fileEndingUnknown, fileOrExample, fileUnreadable } from './commands.errors';

interface Json {
  readonly json?: boolean;
}

/** `millrace datasets`: the list, `create` and `delete`. */
export function datasetsCommand(context: CommandContext): Command {
  const datasets = command(
    'datasets',
    'list datasets, or make one from a file',
    'millrace datasets create corpus.txt --tokenizer char',
  ).action(async (options: Json) => {
    const client = context.client();
    const items = await allDatasets(client);
    context.output(options).result(items, (all) =>
      all.length === 0
        ? 'no datasets yet; make one with: millrace datasets create FILE --tokenizer char, or --example moby-dick'
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
  datasets.addCommand(deleteCommand(context));
  return datasets;
}

function deleteCommand(context: CommandContext): Command {
  return command('delete', 'delete a dataset that no run uses', 'millrace datasets delete moby-dick')
    .argument('<dataset>', 'name or id of the dataset')
    .action(async (given: string, _options: Json, self: Command) => {
      const client = context.client();
      const { id } = await findDataset(client, ({ id, name }) => id === given || name === given, given);
      await client.deleteDataset(id);
      context.output(self.optsWithGlobals<Json>()).result({ id, deleted: true }, () => `${id} deleted`);
    });
}

async function allDatasets(client: MillraceClient): Promise<DatasetBody[]> {
  return allPages((page) => client.datasets(page));
}

async function findDataset(
  client: MillraceClient,
  isWanted: (dataset: DatasetBody) => boolean,
  given: string,
): Promise<DatasetBody> {
  const found = (await allDatasets(client)).find(isWanted);
  if (found === undefined) throw datasetUnknown(given);
  return found;
}

interface CreateOptions extends Json {
  readonly name?: string;
  readonly tokenizer?: string;
  readonly example?: string;
}

/** Texts that come with Millrace, so that the examples run without a network. */
const EXAMPLES: Readonly<Record<string, () => string>> = { 'moby-dick': readMobyDick };

function createCommand(context: CommandContext): Command {
  return command(
    'create',
    'make a dataset from a text, NDJSON or token file, or from a text that comes with Millrace',
    'millrace datasets create corpus.txt --tokenizer char',
  )
    .argument('[file]', '.txt, .ndjson or .jsonl text; .bin little-endian uint16 tokens')
    .option('--name <name>', 'unique name (default: the file name without its ending)')
    .option('--tokenizer <name>', 'byte, char or gpt2; none for token files')
    .option('--example <name>', `instead of a file: ${Object.keys(EXAMPLES).join(', ')}; made once, char by default`)
    .action(async (file: string | undefined, _options: CreateOptions, self: Command) => {
      const options = self.optsWithGlobals<CreateOptions>();
      const client = context.client();
      const upload = file === undefined ? exampleUpload(options) : fileUpload(file, options);
      // The commands of the README may be typed again: an example is always the same text, so that its dataset is used
      // again.
      const dataset =
        (file === undefined ? (await allDatasets(client)).find(({ name }) => name === upload.name) : undefined) ??
        (await client.createDataset(upload));
      context.output(options).result(dataset, (d) => `${d.id} ${d.name}: ${d.tokens} tokens, vocabulary ${d.vocab}`);
    });
}

function exampleUpload({ example = '', name, tokenizer }: CreateOptions): DatasetUpload {
  const text = Object.hasOwn(EXAMPLES, example) ? EXAMPLES[example] : undefined;
  if (text === undefined) throw fileOrExample(Object.keys(EXAMPLES));
  return { name: name ?? example, tokenizer: tokenizer ?? 'char', contentType: 'text/plain', body: text() };
}

function fileUpload(file: string, { example, name, tokenizer }: CreateOptions): DatasetUpload {
  if (example !== undefined) throw fileOrExample(Object.keys(EXAMPLES));
  const contentType = datasetContentType(file);
  requireFile(file);
  if (contentType === undefined) throw fileEndingUnknown(file, DATASET_FILE_ENDINGS);
  return {
    name: name ?? basename(file, extname(file)),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    contentType,
    body: Readable.toWeb(createReadStream(file)) as RequestBody,
  };
}

function requireFile(path: string): void {
  try {
    statSync(path);
  } catch (cause) {
    throw fileUnreadable(path, cause);
  }
}
