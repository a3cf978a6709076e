import { encodeHuggingFace } from '@millrace/checkpoint';
import type { RunSpecInput } from '@millrace/contracts';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { tokenText } from '@millrace/testing';
import type { OracleSettings, OracleTrainingSettings } from '../../golden/gpt2-oracle';
import { readTrace, type TracedFamily, traceModel, traceTokens } from '../../golden/traces';
import type { LiveCluster } from './live-cluster';

export type Parallel = NonNullable<RunSpecInput['parallel']>;

/** 1 to 4 stages under 1f1b, and every other synchronous schedule. */
export const PARITY_CUTS: readonly Parallel[] = [
  { schedule: '1f1b', pp: 1 },
  { schedule: '1f1b', pp: 2 },
  { schedule: '1f1b', pp: 4 },
  { schedule: 'gpipe', pp: 4 },
  { schedule: 'interleaved', pp: 2, chunks: 2 },
  { schedule: 'looped-bfs', pp: 2, chunks: 2 },
  { schedule: 'zb-h1', pp: 4 },
  { schedule: 'zb-h2', pp: 4 },
  { schedule: 'zb-v', pp: 2 },
  { schedule: 'dualpipe-v', pp: 2 },
];

interface Beginning {
  /** Of the dataset. */
  readonly name: string;
  readonly settings: OracleTrainingSettings;
  readonly tokens: Uint16Array;
  readonly model: Buffer;
}

/** The training of an oracle through REST and real agents: weights in, training, weights out. */
export class OracleTraining {
  private constructor(
    private readonly cluster: LiveCluster,
    private readonly beginning: Beginning,
    private readonly modelId: string,
  ) {}

  /** Uploads the tokens and the initial weights of an oracle of the project. */
  static async prepare(cluster: LiveCluster, settings: OracleSettings): Promise<OracleTraining> {
    const { model, microBatch, microBatches, steps } = settings;
    const tokens = Uint16Array.from(tokenText(model.vocab, steps * microBatch * microBatches * model.context + 1));
    return this.begin(cluster, { name: 'oracle', settings, tokens, model: await initialModel(settings) });
  }

  /** The same of a trace of PyTorch. */
  static async prepareTrace(cluster: LiveCluster, family: TracedFamily): Promise<OracleTraining> {
    const { settings } = readTrace(family);
    return this.begin(cluster, {
      name: `trace-${family}`,
      settings,
      tokens: traceTokens(),
      model: traceModel(family),
    });
  }

  private static async begin(cluster: LiveCluster, beginning: Beginning): Promise<OracleTraining> {
    const { name, tokens, model } = beginning;
    const body = new Uint8Array(tokens.buffer);
    await cluster.client.createDataset({ name, contentType: 'application/x-tokens-u16', body });
    const { id } = await cluster.client.importModel(model);
    return new OracleTraining(cluster, beginning, id);
  }

  /** Returns the id of the run. */
  async submit(parallel: Parallel): Promise<string> {
    return (await this.cluster.client.submitRun(this.specOf(parallel))).id;
  }

  async course(runId: string): Promise<{ readonly losses: number[]; readonly norms: number[] }> {
    const values = async (name: string): Promise<number[]> =>
      (await this.cluster.metric(runId, name)).map(({ value }) => value);
    return { losses: await values('train/loss'), norms: await values('train/grad_norm') };
  }

  async lastCheckpoint(runId: string): Promise<string> {
    const { items } = await this.cluster.client.checkpoints(runId);
    return items.find(({ step }) => step === this.beginning.settings.steps)?.id ?? '';
  }

  async exported(checkpointId: string): Promise<Buffer<ArrayBuffer>> {
    return joined(await this.cluster.client.exportModel(checkpointId));
  }

  private specOf(parallel: Parallel): RunSpecInput {
    const { name, settings } = this.beginning;
    const { model, microBatch, microBatches, steps, lr, betas, eps, weightDecay, clip } = settings;
    const family = model.family as RunSpecInput['model']['family'];
    return {
      name: `${family}-${parallel.schedule}-${parallel.pp}`,
      model: { ...model, family, init: { from: 'safetensors', id: this.modelId } },
      data: { dataset: name, order: 'sequential' },
      train: {
        steps,
        batch: { global: microBatch * microBatches, micro: microBatch },
        optimizer: { type: 'adamw', lr: lr.peak, betas: [...betas], eps, weightDecay },
        lr: { schedule: lr.schedule, warmup: lr.warmup, ...(lr.min === undefined ? {} : { min: lr.min }) },
        clip,
      },
      parallel,
    };
  }
}

function initialModel({ model, seed }: OracleSettings): Promise<Buffer<ArrayBuffer>> {
  const parameters = new Map(allParameters(model).map((parameter) => [parameter.name, parameter]));
  return joined(
    encodeHuggingFace([...parameters.values()], (name) =>
      Promise.resolve(initialiseParameter(parameters.get(name) as ParameterDeclaration, seed)),
    ),
  );
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}
