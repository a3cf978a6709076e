import { setTimeout as wait } from 'node:timers/promises';
import type { RunSpecInput } from '@millrace/contracts';
import { randomText } from '@millrace/core';
import { type LiveCluster, waitUntil } from '../../../tests/e2e/support/live-cluster';
import { type BenchModel, benchSpec } from '../cluster-run';

/** Of bytes. */
const VOCABULARY = 256;
const RUN_MS_MAX = 300_000;
/** Ended runs that stay: the others are deleted, as somebody would who tidies up. */
const RUNS_KEPT = 20;
const UPLOAD_BYTES = 256 * 1024;
/** Of a run that is cancelled on the way: more than it lives to see. */
const LONG_STEPS = 10_000;

/** The text that every run reads. */
export async function makeText({ client }: LiveCluster, name: string): Promise<void> {
  const body = new TextEncoder().encode('the mill turns, and the race runs under it. '.repeat(2000));
  await client.createDataset({ name, tokenizer: 'byte', contentType: 'text/plain', body });
}

/** What many people do to a cluster in a day, without a pause: two lanes of it at a time. */
export class SteadyWork {
  runCount = 0;
  readonly failures: string[] = [];
  private readonly ended: string[] = [];
  private turn = 0;

  constructor(
    private readonly cluster: LiveCluster,
    private readonly dataset: string,
  ) {}

  /** Until `isOver`; whatever goes wrong is noted and the work goes on. */
  async run(isOver: () => boolean): Promise<void> {
    await Promise.all([this.repeat(isOver, () => this.train()), this.repeat(isOver, () => this.disturb())]);
  }

  /** A short run of a shape that changes; every fifth is cancelled on the way, every third writes a text. */
  async train(): Promise<void> {
    const { client } = this.cluster;
    const number = this.runCount++;
    const isCancelled = number % 5 === 4;
    const { id } = await client.submitRun(specOf(number, this.dataset, isCancelled ? LONG_STEPS : 4 + (number % 4)));
    if (isCancelled) {
      await waitUntil('a step', async () => (await client.run(id)).step > 0, RUN_MS_MAX);
      await client.actOnRun(id, 'cancel');
    }
    const run = await this.cluster.untilRun(id, ['succeeded', 'cancelled'], RUN_MS_MAX);
    const [checkpoint] = (await client.checkpoints(id)).items;
    if (number % 3 === 0 && run.state === 'succeeded' && checkpoint !== undefined)
      await client.generate(checkpoint.id, { prompt: 'the ', maxTokens: 8, temperature: 0, seed: 1 });
    this.ended.push(id);
    if (this.ended.length > RUNS_KEPT) await client.deleteRun(this.ended.shift()!);
  }

  /** Streams that break, uploads whole and broken off, lists and charts. */
  async disturb(): Promise<void> {
    const { client } = this.cluster;
    switch (this.turn++ % 4) {
      case 0:
        return this.breakStreams();
      case 1: {
        const body = new Uint8Array(UPLOAD_BYTES).fill(97);
        const { id } = await client.createDataset({
          name: `soak-${randomText(8)}`,
          tokenizer: 'byte',
          contentType: 'text/plain',
          body,
        });
        return client.deleteDataset(id);
      }
      case 2:
        return this.breakUpload();
      default: {
        const { items } = await client.runs({ limit: 100 });
        for (const { id } of items.slice(0, 3)) await client.series(id, { points: 200 });
        await wait(200);
      }
    }
  }

  private async breakStreams(): Promise<void> {
    const { http, token } = this.cluster.endpoint;
    const streams = Array.from({ length: 5 }, async (_, index) => {
      const abort = new AbortController();
      const answer = await fetch(`${http}/api/v1/events?topics=runs,agents&after=0`, {
        headers: { authorization: `Bearer ${token}` },
        signal: abort.signal,
      });
      const reader = answer.body?.getReader();
      await reader?.read();
      await wait(100 * index);
      abort.abort();
    });
    await Promise.all(streams);
  }

  private async breakUpload(): Promise<void> {
    const { http, token } = this.cluster.endpoint;
    const abort = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new Uint8Array(64 * 1024).fill(97));
        await wait(50);
      },
    });
    const upload = fetch(`${http}/api/v1/datasets?name=broken-${randomText(8)}&tokenizer=byte`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
      body,
      duplex: 'half',
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(), 500);
    await upload.catch(() => undefined);
  }

  private async repeat(isOver: () => boolean, work: () => Promise<void>): Promise<void> {
    while (!isOver()) {
      await work().catch(async (error: unknown) => {
        this.failures.push(String(error).slice(0, 400));
        await wait(1000);
      });
    }
  }
}

/** Shapes, splits and schedules that follow each other, so that few runs are alike. */
function specOf(number: number, dataset: string, steps: number): RunSpecInput {
  const model: BenchModel = {
    layers: 2 + (number % 3),
    heads: 2,
    width: 32 + 8 * (number % 7),
    context: 24 + 4 * (number % 5),
    vocabulary: VOCABULARY,
  };
  const pp = 1 + (number % 2);
  const spec = benchSpec(`soak-${number}`, dataset, {
    model,
    batch: { global: 8, micro: 2 },
    pp,
    steps,
  });
  return { ...spec, parallel: { pp, schedule: number % 4 === 1 ? 'gpipe' : '1f1b' } };
}
