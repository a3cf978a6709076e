import { Injectable } from '@nestjs/common';
import { type ManifestDocument, modelConfigOf, type RunSpec } from '@millrace/contracts';
import { AppError, type FieldError, type ModelConfig } from '@millrace/core';
import { splitValidation } from '@millrace/data';
import { allParameters, familyOf, optimizerStates } from '@millrace/model';
import { ProjectsRepository } from '../../ground/accounts/projects.repository';
import { CheckpointWritesRepository, type DurableCheckpoint } from '../../ledger/blocks/checkpoint-writes.repository';
import type { Transaction } from '../../ground/database/prisma.service';
import { DatasetsRepository } from '../../ledger/datasets/datasets.repository';
import { type PlanningLane, PlanningThreads } from '../../planning/plans/planning-threads';
import type { RunOutline } from '../../planning/threads/planning-tasks';
import { specUnfit } from '../../ledger/runs/runs.errors';

export interface AdmittedRun {
  readonly datasetId: string;
  readonly outline: RunOutline;
}

/** Checks a spec against what it refers to, so that a queued run can be trained once it has devices. */
@Injectable()
export class RunAdmissionService {
  constructor(
    private readonly datasets: DatasetsRepository,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly projects: ProjectsRepository,
    private readonly threads: PlanningThreads,
  ) {}

  /** @throws AppError RUN.SPEC_UNFIT, which names the fields */
  async admit(spec: RunSpec, lane: PlanningLane): Promise<AdmittedRun> {
    if (!(await this.projects.exists(spec.project)))
      throw specUnfit([{ path: '/project', message: `there is no project "${spec.project}"` }]);
    const dataset = await this.datasets.findByIdOrName(spec.data.dataset);
    if (!dataset)
      throw specUnfit([
        {
          path: '/data/dataset',
          message: `there is no dataset with the id or name "${spec.data.dataset}"; make it, or name another one`,
        },
      ]);
    const init = await this.initCheckpoint(spec);
    const vocab =
      spec.model.vocab === 'auto' ? Math.max(dataset.vocab, init?.manifest.model.vocab ?? 0) : spec.model.vocab;
    if (vocab < dataset.vocab) {
      const message = `${vocab} is below the ${dataset.vocab} of dataset ${dataset.name}; use "auto" or at least ${dataset.vocab}`;
      throw specUnfit([{ path: '/model/vocab', message }]);
    }
    checkTokens(spec, Number(dataset.tokens));
    const model = modelConfigOf(spec, vocab);
    if (init) checkInit(spec, model, init);
    return { datasetId: dataset.id, outline: await this.outlineOrRefuse(spec, model, lane) };
  }

  /**
   * Called in the transaction that stores the run: from then on the checkpoint that it starts from is kept.
   * @throws AppError RUN.SPEC_UNFIT when the checkpoint was deleted since `admit`
   */
  async keepInit(tx: Transaction, { model: { init } }: RunSpec): Promise<void> {
    if (init.from === 'random' || (await this.checkpoints.keep(tx, init.id))) return;
    throw specUnfit([{ path: '/model/init/id', message: `checkpoint ${init.id} was deleted a moment ago` }]);
  }

  /**
   * Schedules and partitions have limits of their own (cells, layers), which are reported for fields of the spec too.
   */
  private async outlineOrRefuse(spec: RunSpec, model: ModelConfig, lane: PlanningLane): Promise<RunOutline> {
    try {
      return await this.threads.ask(lane, 'shape', { spec, model });
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid') throw error;
      throw specUnfit(error.fields.length > 0 ? error.fields : [fieldOf(error)]);
    }
  }

  private async initCheckpoint({ model: { init } }: RunSpec): Promise<DurableCheckpoint | undefined> {
    if (init.from === 'random') return undefined;
    const found = await this.checkpoints.findDurable(init.id);
    if (!found) throw specUnfit([{ path: '/model/init/id', message: `there is no checkpoint ${init.id}` }]);
    return found;
  }
}

function checkTokens({ data, model }: RunSpec, tokens: number): void {
  try {
    splitValidation(tokens, data.validation, model.context);
  } catch (error) {
    if (error instanceof AppError) throw specUnfit(error.fields);
    throw error;
  }
}

/** Checks one tensor after the other, so that the message names the first one that does not fit. */
function checkInit(
  { model: { init }, train }: RunSpec,
  model: ModelConfig,
  { id, step, manifest }: DurableCheckpoint,
): void {
  const { headWeight } = familyOf(model).parameters;
  const refuse = (message: string): AppError => specUnfit([{ path: '/model/init/id', message }]);
  const weights = new Map(
    manifest.tensors.filter(({ kind }) => kind === 'weight').map((tensor) => [tensor.name, tensor.shape]),
  );
  // This is a copy of the embedding beside a tied head; the run may tie the head or not.
  if (model.tieEmbeddings && manifest.model.tieEmbeddings) weights.delete(headWeight);
  for (const { name, shape } of allParameters(model)) {
    const given = weights.get(name);
    if (given === undefined)
      throw refuse(`${id} has no ${name}, which the model of this spec has${name === headWeight ? TIE_HINT : ''}`);
    if (given.length !== shape.length || given.some((extent, index) => extent !== shape[index])) {
      throw refuse(`${name} is [${given.join(', ')}] in ${id} and [${shape.join(', ')}] in the model of this spec`);
    }
    weights.delete(name);
  }
  const [extra] = weights.keys();
  if (extra !== undefined)
    throw refuse(
      `${id} has ${extra}, which the model of this spec does not have${extra === headWeight ? UNTIE_HINT : ''}`,
    );
  // An imported file does not tell its number of heads: if the user did not give it, the manifest's is a guess.
  const { heads } = manifest.model;
  if ((manifest.runId !== '' || manifest.headsGiven === true) && heads !== model.heads) {
    const message = `${id} has ${heads} heads, the model of this spec has ${model.heads}; set it to ${heads}`;
    throw specUnfit([{ path: '/model/heads', message }]);
  }
  if (init.from !== 'checkpoint') return;
  if (manifest.optimizer === null) {
    throw refuse(`${id} has weights but no optimizer state; use { from: safetensors, id: ${id} }`);
  }
  checkSettings(model, id, manifest);
  checkOptimizer(train.optimizer, id, manifest);
  if (step >= train.steps) {
    const message = `${train.steps} is the last step in all, and ${id} is of step ${step}; ask for more than ${step} steps`;
    throw specUnfit([{ path: '/train/steps', message }]);
  }
}

const UNTIE_HINT = ': its head is another matrix than its embedding; set model.tieEmbeddings to false';

const TIE_HINT = ': its head is its embedding; set model.tieEmbeddings to true';

/** The settings of a model that no shape of its tensors tells in every family, besides the heads. */
const SETTINGS = ['context', 'normEps', 'ropeTheta', 'ropeScaling'] as const;

/** A run that goes on from a checkpoint goes on with the model that was trained, and not with another of its shapes. */
function checkSettings(model: ModelConfig, id: string, manifest: ManifestDocument): void {
  for (const name of SETTINGS) {
    const [trained, wanted] = [manifest.model[name], model[name]].map(
      (value) => JSON.stringify(value) ?? 'the default',
    );
    if (trained === wanted) continue;
    const message = `it is ${trained} in ${id} and ${wanted} in the model of this spec; set it alike, or take the weights only with init.from safetensors`;
    throw specUnfit([{ path: `/model/${name}`, message }]);
  }
}

/** A run that continues from a checkpoint needs the state that its optimizer keeps. */
function checkOptimizer(optimizer: RunSpec['train']['optimizer'], id: string, manifest: ManifestDocument): void {
  const type = manifest.optimizer?.type;
  if (type !== optimizer.type) {
    const message = `${optimizer.type} cannot go on from ${id}, which was trained with ${type}; take ${type}, or its weights only with init.from safetensors`;
    throw specUnfit([{ path: '/train/optimizer/type', message }]);
  }
  const missing = optimizerStates(optimizer).find((state) => !manifest.tensors.some(({ kind }) => kind === state));
  if (missing === undefined) return;
  const message = `${id} holds no ${missing} of ${type}: it was trained without; set it to 0, or take its weights only with init.from safetensors`;
  throw specUnfit([{ path: `/train/optimizer/${missing}`, message }]);
}

function fieldOf({ code, message }: AppError): FieldError {
  return { path: code.startsWith('PIPELINE.') ? '/parallel' : '/model', message };
}
