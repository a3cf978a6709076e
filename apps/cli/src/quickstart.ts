import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { AppError, describeError, systemClock } from '@millrace/core';
import { type RunSpecInput, parseRunSpec } from '@millrace/contracts';
import { MillraceClient, allPages } from '@millrace/sdk';
import { watchRun } from './commands/watch-run';
import { readCliConfig } from './config/cli-config';
import { cancelLeftOvers } from './quickstart/cancel-left-overs';
import { readMobyDick } from './quickstart/corpus';
import { unigramLoss } from './quickstart/unigram';
import { durationText } from './table';
import { Cluster } from './up/cluster';

/**
 * `npm run quickstart`: two agents train a GPT on Moby-Dick that is split over both. It shows the validation loss
 * beside that of a unigram model, and text that the model wrote. Everything stops at the end; the home keeps the run
 * and its checkpoints.
 */
const PROGRAMS = resolve(join(__dirname, '..', '..', '..'));
const ROOT = resolve(join(PROGRAMS, '..'));
const PROMPT = 'Call me Ishmael. Some years ago';
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { environment } = readCliConfig();
  const home = join(ROOT, '.millrace', 'quickstart');
  const startedMs = systemClock.monotonicMs();
  const cluster = new Cluster({
    home,
    agentCount: 2,
    httpPort: 0,
    grpcPort: 0,
    programs: PROGRAMS,
    environment,
    clock: systemClock,
    say,
  });
  const interrupted = new Promise<'interrupted'>((resolvePromise) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolvePromise('interrupted'));
  });
  const everything = async (): Promise<void> => {
    const endpoint = await cluster.start();
    await train(new MillraceClient({ origin: endpoint.http, token: endpoint.token }));
  };
  try {
    const outcome = await Promise.race([everything(), interrupted]);
    if (outcome === 'interrupted') {
      say('\ninterrupted; stopping');
      process.exitCode = 130;
    } else {
      say(
        `\nEverything took ${durationText((systemClock.monotonicMs() - startedMs) / 1000)}. The run and its checkpoints stay in ${home};`,
      );
      say(`look at them with: npx millrace up --agents 2 --home ${home}`);
    }
  } finally {
    await cluster.stop();
  }
}

async function train(client: MillraceClient): Promise<void> {
  const text = readMobyDick();
  const spec = parse(readFileSync(join(ROOT, 'examples', 'moby-gpt.yaml'), 'utf8')) as RunSpecInput;
  await cancelLeftOvers(client, say);
  await ensureDataset(client, spec.data.dataset, text);
  const submitted = await client.submitRun(spec);
  say(
    `run ${submitted.id}: ${spec.model.layers} layers, width ${spec.model.hidden}, split over ${parseRunSpec(spec).parallel.pp} agents`,
  );
  const run = await watchRun({ client, clock: systemClock, runId: submitted.id, stream: process.stdout });
  if (run.state !== 'succeeded') {
    const message = `the run ended as ${run.state}: ${run.reason?.message ?? 'no reason was given'}`;
    throw new AppError({ code: 'QUICKSTART.RUN_NOT_SUCCEEDED', kind: 'aborted', message });
  }
  const validation = await client.metrics(run.id, 'val/loss', { limit: 1000 });
  const unigram = unigramLoss(text, run.spec.data.validation);
  say(`\nvalidation loss  ${validation.points.at(-1)?.value.toFixed(4) ?? '-'} nats per character`);
  say(`unigram model    ${unigram.toFixed(4)} nats per character (knows only how often each character occurs)`);
  const checkpoints = await allPages((page) => client.checkpoints(run.id, page));
  say(`checkpoints      ${checkpoints.map(({ step }) => `step ${step}`).join(', ')}`);
  const last = checkpoints.reduce((newest, checkpoint) => (checkpoint.step > newest.step ? checkpoint : newest));
  const generated = await client.generate(last.id, { prompt: PROMPT, maxTokens: 200, temperature: 0.7, seed: 1 });
  say(`\nWhat it writes after "${PROMPT}", through the pipeline:\n`);
  say(generated.text);
}

/** A dataset that an earlier start has made is used again. */
async function ensureDataset(client: MillraceClient, name: string, text: string): Promise<void> {
  const existing = await allPages((page) => client.datasets(page));
  if (existing.some((dataset) => dataset.name === name)) return;
  const dataset = await client.createDataset({ name, tokenizer: 'char', contentType: 'text/plain', body: text });
  say(`dataset ${dataset.name}: ${dataset.tokens} characters of Moby-Dick, ${dataset.vocab} distinct`);
}

main().catch((error: unknown) => {
  process.stderr.write(`quickstart: ${describeError(error)}\n`);
  if (!(error instanceof AppError) && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = 1;
});
