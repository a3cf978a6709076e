import { encodeHuggingFace } from '@millrace/checkpoint';
import type { RunSpecInput } from '@millrace/contracts';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { tokenText } from '@millrace/testing';
import type { OracleSettings } from '../../golden/gpt2-oracle';
import type { LiveCluster } from './live-cluster';

export type Parallel = NonNullable<RunSpecInput['parallel']>;

/** The training of an oracle through REST and real agents: weights in, training, weights out. */
export class OracleTraining {
  private constructor(
    private readonly cluster: LiveCluster,
    private readonly settings: OracleSettings,
    private readonly modelId: string,
  ) {}

  /** Uploads the oracle's tokens and its initial weights. */
  static async prepare(cluster: LiveCluster, settings: OracleSettings): Promise<OracleTraining> {
    const { model, microBatch, microBatches, steps } = settings;
    const tokens = Uint16Array.from(tokenText(model.vocab, steps * microBatch * microBatches * model.context + 1));
    const body = new Uint8Array(tokens.buffer);
    await cluster.client.createDataset({ name: 'oracle', contentType: 'application/x-tokens-u16', body });
    const { id } = await cluster.client.importModel(await initialModel(settings));
    return new OracleTraining(cluster, settings, id);
  }

  /** Returns the id of the run. */
  async submit(parallel: Parallel): Promise<string> {
    return (await this.cluster.client.submitRun(this.specOf(parallel))).id;
  }

  async lastCheckpoint(runId: string): Promise<string> {
    const { items } = await this.cluster.client.checkpoints(runId);
    return items.find(({ step }) => step === this.settings.steps)?.id ?? '';
  }

  async exported(checkpointId: string): Promise<Buffer<ArrayBuffer>> {
    return joined(await this.cluster.client.exportModel(checkpointId));
  }

  private specOf(parallel: Parallel): RunSpecInput {
    const { model, microBatch, microBatches, steps, lr, betas, eps, weightDecay, clip } = this.settings;
    const family = model.family as RunSpecInput['model']['family'];
    return {
      name: `${family}-${parallel.schedule}-${parallel.pp}`,
      model: { ...model, family, init: { from: 'safetensors', id: this.modelId } },
      data: { dataset: 'oracle', order: 'sequential' },
      train: {
        steps,
        batch: { global: microBatch * microBatches, micro: microBatch },
        optimizer: { type: 'adamw', lr: lr.peak, betas: [...betas], eps, weightDecay },
        lr: { schedule: 'cosine', warmup: lr.warmup, ...(lr.min === undefined ? {} : { min: lr.min }) },
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
