import { Injectable } from '@nestjs/common';
import type { RunSpec } from '@millrace/contracts';
import { assert } from '@millrace/core';
import { CheckpointWritesRepository } from '../../ledger/blocks/checkpoint-writes.repository';
import { RunDatasetsRepository, type RunDataset } from '../../ledger/datasets/run-datasets.repository';
import type { RunRecord } from '../../ledger/runs/run-record';
import { modelConfigOf, type RunShape, shapeRun } from './run-shape';

export interface ShapedRun {
  readonly shape: RunShape;
  readonly dataset: RunDataset;
}

const CACHED_MAX = 256;

/**
 * The shapes of submitted runs. A shape never changes, and making one builds the model's programs, so they are kept.
 */
@Injectable()
export class RunShapesService {
  private readonly cache = new Map<string, ShapedRun>();

  constructor(
    private readonly datasets: RunDatasetsRepository,
    private readonly checkpoints: CheckpointWritesRepository,
  ) {}

  /** With the layers of an attempt, or as the spec alone has them. */
  async of({ id, datasetId, spec }: RunRecord, layersPerStage?: readonly number[]): Promise<ShapedRun> {
    const key = `${id} ${(layersPerStage ?? spec.parallel.partition).toString()}`;
    const cached = this.cache.get(key);
    if (cached) return cached;
    const dataset = await this.datasets.find(datasetId);
    assert(dataset !== null, `dataset ${datasetId} of ${id} is gone while the run is not over`);
    const model = modelConfigOf(spec, await this.vocab(spec, dataset.vocab));
    const shaped = { dataset, shape: shapeRun(spec, model, layersPerStage) };
    if (this.cache.size >= CACHED_MAX) this.cache.clear();
    this.cache.set(key, shaped);
    return shaped;
  }

  /** `auto` is the vocabulary of the weights that the run starts from, else the dataset's. */
  async vocab({ model }: RunSpec, datasetVocab: number): Promise<number> {
    if (model.vocab !== 'auto') return model.vocab;
    if (model.init.from === 'random') return datasetVocab;
    const init = await this.checkpoints.findDurable(model.init.id);
    return Math.max(datasetVocab, init?.manifest.model.vocab ?? 0);
  }
}
