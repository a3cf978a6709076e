import { Injectable } from '@nestjs/common';
import type { AttemptPlan, ManifestDocument } from '@millrace/contracts';
import { assert } from '@millrace/core';
import type { ModelConfig } from '@millrace/model';
import { CheckpointWritesRepository, type DurableCheckpoint } from '../checkpointing/checkpoint-writes.repository';
import type { Transaction } from '../database/prisma.service';
import type { RunRecord } from '../runs/run-record';

export interface ResumeSource {
  readonly resume: AttemptPlan['resume'];
  readonly firstStep: number;
  readonly checkpointId: string | null;
}

/** Where an attempt's weights come from: the run's own newest durable checkpoint, else what its spec says. */
@Injectable()
export class ResumeSourceService {
  constructor(private readonly checkpoints: CheckpointWritesRepository) {}

  async find(reader: Transaction, { id, spec }: Pick<RunRecord, 'id' | 'spec'>, model: ModelConfig): Promise<ResumeSource> {
    // The last step's checkpoint with the run not over: its metrics were lost with an agent, so its steps are done again.
    const own = await this.checkpoints.newestDurable(reader, id, spec.train.steps);
    if (own) return goOn(own, model);
    const { init } = spec.model;
    if (init.from === 'random') return { resume: { from: 'random' }, firstStep: 1, checkpointId: null };
    const given = await this.checkpoints.findDurable(init.id, reader);
    assert(given !== null, `${init.id}, which ${id} starts from, is gone while the run is not over`);
    if (init.from === 'checkpoint') return goOn(given, model);
    const manifest = weightsOnly(given.manifest, model);
    return { resume: { from: 'weights', manifest }, firstStep: 1, checkpointId: given.id };
  }
}

function goOn({ id, manifest, step }: DurableCheckpoint, model: ModelConfig): ResumeSource {
  return { resume: { from: 'checkpoint', manifest: { ...manifest, model } }, firstStep: step + 1, checkpointId: id };
}

/** An import's manifest may leave out what the file does not say. */
function weightsOnly(manifest: ManifestDocument, model: ModelConfig): ManifestDocument {
  return {
    version: 1, runId: manifest.runId ?? 'import', step: 0, model,
    rng: { seed: 0 }, dataPosition: { samples: 0 }, optimizer: null,
    tensors: manifest.tensors.filter(({ kind }) => kind === 'weight'),
  };
}
