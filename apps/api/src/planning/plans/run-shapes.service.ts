import { Injectable } from '@nestjs/common';
import { modelConfigOf, type RunSpec } from '@millrace/contracts';
import { assert, type ModelConfig } from '@millrace/core';
import { CheckpointWritesRepository } from '../../ledger/blocks/checkpoint-writes.repository';
import { RunDatasetsRepository, type RunDataset } from '../../ledger/datasets/run-datasets.repository';
import type { MemoryLimits } from '../../ledger/runs/plan-basis';
import type { RunRecord } from '../../ledger/runs/run-record';
import type { RunOutline } from '../threads/planning-tasks';
import { type PlanningLane, PlanningThreads } from './planning-threads';

export interface ShapedRun {
  readonly outline: RunOutline;
  readonly dataset: RunDataset;
}

/** What a run's shape depends on. The run may be one that is only tried, with an id of its own. */
export interface PlannableRun extends Pick<
  RunRecord,
  'id' | 'priority' | 'createdAt' | 'retryAt' | 'spec' | 'datasetId'
> {
  /** Set if an earlier attempt ran out of memory. */
  readonly memoryLimits?: MemoryLimits | undefined;
}

/** More runs than wait at once in a large cluster; each outline takes a few kilobytes. */
const CACHED_MAX = 2048;

/** Keeps the shapes of submitted runs, which never change: making one builds the model's programs. */
@Injectable()
export class RunShapesService {
  private readonly shapes = new Map<string, ShapedRun>();
  private readonly models = new Map<string, ModelConfig>();

  constructor(
    private readonly datasets: RunDatasetsRepository,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly threads: PlanningThreads,
  ) {}

  /** The shape with the layers of an attempt, or with those of the spec alone. */
  async of(run: PlannableRun, layersPerStage?: readonly number[], lane: PlanningLane = 'runs'): Promise<ShapedRun> {
    const { id, spec } = run;
    const { partition, recompute } = spec.parallel;
    const key = `${id} ${recompute} ${(layersPerStage ?? partition).toString()}`;
    const cached = this.shapes.get(key);
    if (cached) return cached;
    const dataset = await this.dataset(run);
    const model = await this.model(run, dataset);
    const shaped = { dataset, outline: await this.threads.ask(lane, 'shape', { spec, model, layersPerStage }) };
    keep(this.shapes, key, shaped);
    return shaped;
  }

  async model(run: PlannableRun, dataset?: RunDataset): Promise<ModelConfig> {
    const cached = this.models.get(run.id);
    if (cached) return cached;
    const { vocab } = dataset ?? (await this.dataset(run));
    const model = modelConfigOf(run.spec, await this.vocab(run.spec, vocab));
    keep(this.models, run.id, model);
    return model;
  }

  private async dataset({ id, datasetId }: PlannableRun): Promise<RunDataset> {
    const dataset = await this.datasets.find(datasetId);
    assert(dataset !== null, `dataset ${datasetId} of ${id} is gone while the run is not over`);
    return dataset;
  }

  /** The vocabulary for `auto`: that of the weights which the run starts from, else the dataset's. */
  private async vocab({ model }: RunSpec, datasetVocab: number): Promise<number> {
    if (model.vocab !== 'auto') return model.vocab;
    if (model.init.from === 'random') return datasetVocab;
    const init = await this.checkpoints.findDurable(model.init.id);
    return Math.max(datasetVocab, init?.manifest.model.vocab ?? 0);
  }
}

/** If there are too many entries, the oldest one is removed. */
function keep<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  const [oldest] = cache.keys();
  if (oldest !== undefined && cache.size >= CACHED_MAX) cache.delete(oldest);
  cache.set(key, value);
}
