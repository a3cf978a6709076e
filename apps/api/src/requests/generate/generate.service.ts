import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { GeneratedBody, GeneratePlan, GenerateRequest } from '@millrace/contracts';
import { describeError, type Logger, type ModelConfig, newId } from '@millrace/core';
import { checkVocab, encodeInTurns } from '@millrace/data';
import { stageSlices } from '@millrace/model';
import { partitionLayers } from '@millrace/pipeline';
import { LOGGER } from '../../ground/config/api-logger';
import { generationHolder } from '../../ledger/blocks/blob-readers.repository';
import { BlockHoldsRepository } from '../../ledger/blocks/block-holds.repository';
import { CheckpointWritesRepository, type DurableCheckpoint } from '../../ledger/blocks/checkpoint-writes.repository';
import { checkpointNotFound } from '../../ledger/blocks/checkpoint-writes.errors';
import { deviceLost, modelIncomplete, promptEmpty, tooManyGenerations } from '../../ledger/agents/generate.errors';
import { kernelsToAvoid } from '../../planning/plans/kernels-to-avoid';
import { GenerationGangService } from './generation-gang.service';
import { GenerationLeasesService } from './generation-leases.service';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { GenerationQueue } from './generation-queue';
import { GenerationTasks } from '../../ledger/agents/generation-tasks';
import { PromptTokenizerService } from './prompt-tokenizer.service';

const TIMEOUT_MS = 120_000;
const WAITING_COUNT_MAX = 8;
/**
 * The checkpoint may be deleted meanwhile, but its blocks are held until the text is done, and for this long where the
 * process ends before.
 */
const HOLD_MS = 2 * TIMEOUT_MS;

type Sampling = Pick<GeneratePlan, 'promptTokens' | 'maxTokens' | 'temperature' | 'seed'>;

/**
 * Text from a checkpoint, by a gang of agents. It has leases of the devices that no attempt holds; an attempt that
 * trains on one of them lends it between two steps.
 */
@Injectable()
export class GenerateService {
  private readonly queue = new GenerationQueue(WAITING_COUNT_MAX, tooManyGenerations);

  constructor(
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly holds: BlockHoldsRepository,
    private readonly tokenizers: PromptTokenizerService,
    private readonly gangs: GenerationGangService,
    private readonly tasks: GenerationTasks,
    private readonly leases: GenerationLeasesService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws AppError CHECKPOINT.NOT_FOUND, GENERATE.*, DATA.* (a prompt that the tokenizer cannot encode) */
  async generate(checkpointId: string, request: GenerateRequest): Promise<GeneratedBody> {
    const checkpoint = await this.checkpoints.findDurable(checkpointId);
    if (!checkpoint) throw checkpointNotFound(checkpointId);
    const model = modelOf(checkpoint);
    const tokenizer = await this.tokenizers.of(checkpoint);
    const promptTokens = await encodeInTurns(tokenizer, request.prompt);
    if (promptTokens.length === 0) throw promptEmpty();
    checkVocab('the prompt', promptTokens, model);
    const { maxTokens, temperature, seed } = request;
    const wanted = { runId: checkpoint.runId, layers: model.layers };
    const gang = await this.gangs.choose(wanted, (id) => this.queue.isBusy(id));
    const agentIds = gang.map(({ id }) => id);
    const tokens = await this.queue.run(agentIds, () =>
      this.run(checkpoint, gang, { model, promptTokens, maxTokens, temperature, seed }),
    );
    return { text: tokenizer.decode(tokens), tokens: tokens.length };
  }

  private async run(
    checkpoint: DurableCheckpoint,
    gang: readonly AgentWithLease[],
    { model, ...sampling }: Sampling & { readonly model: ModelConfig },
  ): Promise<readonly number[]> {
    const manifest = weightsOf(checkpoint, model);
    const hashes = manifest.tensors.flatMap(({ blocks }) => blocks.map(({ sha256 }) => sha256));
    const taskId = newId('gen');
    const plan = {
      taskId,
      dataKey: randomBytes(32).toString('hex'),
      model,
      manifest,
      stages: stageSlices(model, partitionLayers(model.layers, gang.length)),
      peers: gang.map(({ id, dataAddress }, rank) => ({ rank, agentId: id, address: dataAddress })),
      quarantined: kernelsToAvoid({ gang, known: gang }),
      ...sampling,
    };
    const agentIds = gang.map(({ id }) => id);
    // Each agent is the owner of a hold, because holds also let it read the blocks.
    const owners = agentIds.map((id) => generationHolder(id, taskId));
    try {
      for (const owner of owners) await this.holds.hold({ owner, fence: 0 }, hashes, HOLD_MS);
      return await this.leases.during(
        { generationId: taskId, agentIds },
        { work: () => this.tasks.run(plan, TIMEOUT_MS), onLost: (id) => this.tasks.fail(taskId, deviceLost(id)) },
      );
    } finally {
      for (const owner of owners) await this.release(owner);
    }
  }

  /** If that fails, the holds run out. */
  private async release(owner: string): Promise<void> {
    try {
      await this.holds.releaseStep(undefined, { owner, fence: 0 });
    } catch (error) {
      this.logger.warn({ owner, reason: describeError(error) }, 'holds of a generation could not be released');
    }
  }
}

/** The manifest of the weights alone: moments are not needed here, and would double the message. */
function weightsOf({ manifest, step }: DurableCheckpoint, model: ModelConfig): GeneratePlan['manifest'] {
  // An agent of an earlier version does not know this field, and does not need it.
  const { headsGiven: _headsGiven, ...rest } = manifest;
  return {
    ...rest,
    runId: manifest.runId ?? 'import',
    step,
    model,
    optimizer: null,
    rng: { seed: 0 },
    dataPosition: { samples: 0 },
    tensors: manifest.tensors.filter(({ kind }) => kind === 'weight'),
  };
}

/** @throws AppError GENERATE.MODEL_INCOMPLETE for an import whose file does not tell its number of heads */
function modelOf({ id, manifest }: DurableCheckpoint): ModelConfig {
  const { heads } = manifest.model as { heads: number | null };
  if (heads === null) throw modelIncomplete(id, 'heads');
  return manifest.model;
}
