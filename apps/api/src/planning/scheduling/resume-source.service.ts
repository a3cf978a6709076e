import { Injectable } from '@nestjs/common';
import { type AttemptPlan, isFlushless, type ManifestDocument } from '@millrace/contracts';
import { assert, type ModelConfig } from '@millrace/core';
import type { StoredPlan } from '../../ledger/runs/attempt-record';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { CheckpointWritesRepository, type DurableCheckpoint } from '../../ledger/blocks/checkpoint-writes.repository';
import { withTensorsOf } from '../../ledger/blocks/own-tensors';
import type { Transaction } from '../../ground/database/prisma.service';
import type { RunRecord } from '../../ledger/runs/run-record';
import { initGone } from './scheduling.errors';

export interface ResumeSource {
  readonly plan: Pick<StoredPlan, 'resumeFrom' | 'resumeCheckpointId' | 'firstStep' | 'firstSample' | 'updatesBefore'>;
  /** The manifest of the checkpoint that training continues from. */
  readonly manifest?: ManifestDocument;
  /** How many bytes of the checkpoint all ranks read together. */
  readonly bytes: number;
}

/** Decides where an attempt's weights come from: the run's own newest durable checkpoint, else what its spec says. */
@Injectable()
export class ResumeSourceService {
  constructor(
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly attempts: AttemptsRepository,
  ) {}

  /** @throws AppError SCHEDULING.INIT_GONE */
  async find(reader: Transaction, { id, spec }: Pick<RunRecord, 'id' | 'spec'>): Promise<ResumeSource> {
    // If the last step has a checkpoint although the run is not over, the metrics of its last steps were lost with an
    // agent: those steps are done again from an earlier checkpoint.
    const own = await this.checkpoints.newestDurable(reader, id, spec.train.steps);
    if (own) return goingOnFrom(own);
    const { init } = spec.model;
    if (init.from === 'random')
      return { plan: { resumeFrom: 'random', firstStep: 1, resumeCheckpointId: null }, bytes: 0 };
    const given = await this.checkpoints.findDurable(init.id, reader);
    if (given === null) throw initGone(id, init.id);
    if (init.from === 'checkpoint') return goingOnFrom(given);
    const bytes = bytesOf(given.manifest);
    return { plan: { resumeFrom: 'weights', firstStep: 1, resumeCheckpointId: given.id }, bytes };
  }

  /**
   * The layers per stage that a run must keep. The weight versions that an asynchronous schedule uses depend on the
   * split, so that the run continues with that of its checkpoint; before its first checkpoint it continues with that of
   * its stored losses, which it repeats. Undefined if any split will do.
   */
  async heldLayers(reader: Transaction, { id, spec, step }: RunRecord): Promise<number[] | undefined> {
    if (!isFlushless(spec.parallel)) return undefined;
    const own = await this.checkpoints.newestDurable(reader, id, spec.train.steps);
    if (own?.manifest.weightVersions !== undefined) return own.manifest.weightVersions.layersPerStage;
    if (step === 0) return undefined;
    const last = await this.attempts.newest(reader, id);
    return last?.plan.stages.map(({ layerCount }) => layerCount);
  }

  /** What the plan says, with what `rank` reads of the manifest that it names. */
  async load(plan: StoredPlan, rank: number): Promise<AttemptPlan['resume']> {
    const { resumeFrom, resumeCheckpointId, model, stages, rankOfStage } = plan;
    if (resumeFrom === 'random') return { from: 'random' };
    const checkpoint = resumeCheckpointId === null ? null : await this.checkpoints.findDurable(resumeCheckpointId);
    assert(checkpoint !== null, `${resumeCheckpointId}, which a live attempt resumes from, is gone`);
    const own = stages.filter((_, stage) => rankOfStage[stage] === rank);
    const manifest = withTensorsOf(checkpoint.manifest, model, own);
    if (resumeFrom === 'checkpoint') return { from: 'checkpoint', manifest: { ...manifest, model } };
    return { from: 'weights', manifest: weightsOnly(manifest, model) };
  }
}

function goingOnFrom({ id, step, manifest }: DurableCheckpoint): ResumeSource {
  const { samples: firstSample } = manifest.dataPosition;
  const updatesBefore = manifest.optimizer?.step ?? step;
  const at = { firstStep: step + 1, firstSample, updatesBefore };
  return { plan: { resumeFrom: 'checkpoint', ...at, resumeCheckpointId: id }, manifest, bytes: bytesOf(manifest) };
}

function bytesOf({ tensors }: ManifestDocument): number {
  return tensors.reduce((sum, { blocks }) => blocks.reduce((inner, { bytes }) => inner + bytes, sum), 0);
}

/** An import's manifest may lack what its file does not tell. */
function weightsOnly(manifest: ManifestDocument, model: ModelConfig): ManifestDocument {
  return {
    version: 1,
    runId: manifest.runId ?? 'import',
    step: 0,
    model,
    rng: { seed: 0 },
    dataPosition: { samples: 0 },
    optimizer: null,
    tensors: manifest.tensors.filter(({ kind }) => kind === 'weight'),
  };
}
