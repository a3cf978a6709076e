import type { ModelConfig, StageSlice } from '@millrace/core';
import { z } from 'zod';
import { FLUSHLESS_SCHEDULES } from '@millrace/pipeline';
import { MODEL_FAMILY_NAMES, ropeScalingSchema } from './model/model-schema';
import { CHOICES_MAX, kernelChoiceSchema } from './profile/kernel-choice';
import { runSpecSchema } from './run-spec';

/** To the rest of the code the name is a plain string, because only libs/model knows families. */
const familySchema: z.ZodType<string> = z.enum(MODEL_FAMILY_NAMES);

export const modelConfigSchema = z.strictObject({
  family: familySchema,
  layers: z.int().min(1),
  heads: z.int().min(1),
  hidden: z.int().min(1),
  ffn: z.int().min(1),
  context: z.int().min(1),
  vocab: z.int().min(1),
  tieEmbeddings: z.boolean(),
  kvHeads: z.int().min(1).optional(),
  headSize: z.int().min(1).optional(),
  normEps: z.number().positive().optional(),
  ropeTheta: z.number().positive().optional(),
  ropeScaling: ropeScalingSchema.optional(),
  dropout: z.number().positive().lt(1).optional(),
}) satisfies z.ZodType<ModelConfig>;

export const stageSliceSchema = z.strictObject({
  firstLayer: z.int().min(0),
  layerCount: z.int().min(0),
  embedding: z.boolean(),
  head: z.boolean(),
}) satisfies z.ZodType<StageSlice>;

export const peerSchema = z.strictObject({
  rank: z.int().min(0),
  agentId: z.string().min(1),
  /** host:port of its StageService. */
  address: z.string().min(1),
});

export const datasetRefSchema = z.strictObject({
  /** The hash of the token file, which BlobService serves. */
  sha256: z.string().length(64),
  bytes: z.int().min(1),
  dtype: z.enum(['u16', 'u32']),
  tokens: z.int().min(1),
});

/** A piece of a checkpoint tensor: `bytes` bytes of a block from `offset` on, which small tensors share. */
export const blockRefSchema = z.strictObject({
  sha256: z.string().length(64),
  bytes: z.int().min(1),
  offset: z.int().min(4).multipleOf(4).optional(),
});

export const manifestTensorSchema = z.strictObject({
  /** Hugging Face name of the parameter, for instance `transformer.h.0.ln_1.weight`. */
  name: z.string().min(1),
  /**
   * `m` and `v` belong to AdamW, `momentum` to SGD with momentum; `weight-2` is the weight two updates ago, which an
   * asynchronous schedule still uses.
   */
  kind: z.union([z.enum(['weight', 'm', 'v', 'momentum']), z.templateLiteral(['weight-', z.int().min(1)])]),
  dtype: z.literal('f32'),
  shape: z.array(z.int().min(1)),
  blocks: z.array(blockRefSchema),
});

/** How gradients are scaled, and what decides when that changes. */
export const lossScaleSchema = z.strictObject({
  scale: z
    .number()
    .min(1)
    .refine((scale) => Number.isInteger(Math.log2(scale)), 'must be a power of two'),
  cleanSteps: z.int().min(0),
  hysteresis: z.int().min(1),
  skippedAtFloor: z.int().min(0),
});

/** A checkpoint: everything that is needed to continue bit for bit, addressed by parameter name and not by rank. */
export const manifestSchema = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  /** The last step whose update is in the weights; 0 for imported weights. */
  step: z.int().min(0),
  model: modelConfigSchema,
  /** Set for an import if the user gave the number of heads, which the file does not tell. */
  headsGiven: z.boolean().optional(),
  /** Random numbers are counted by (seed, purpose, name, step), so the seed is the whole state of the generator. */
  rng: z.strictObject({ seed: z.int().min(0) }),
  /** Samples consumed so far; the sampler is a function of (seed, sample). */
  dataPosition: z.strictObject({ samples: z.int().min(0) }),
  /** Null if the checkpoint has only weights, as an import does. `step` counts updates, which skipped steps are not. */
  optimizer: z.nullable(z.strictObject({ type: z.enum(['adamw', 'sgd']), step: z.int().min(0) })),
  /** Written where gradients are scaled. */
  lossScale: lossScaleSchema.optional(),
  /** Written by an asynchronous schedule: which weight versions it used depends on all of these. */
  weightVersions: z
    .strictObject({
      schedule: z.enum(FLUSHLESS_SCHEDULES),
      verticalSync: z.boolean(),
      /** The micro-batches of one step. */
      microBatches: z.int().min(1),
      layersPerStage: z.array(z.int().min(0)),
      /** The step after which the asynchronous training began: there is no older version. */
      since: z.int().min(0),
    })
    .optional(),
  tensors: z.array(manifestTensorSchema),
});
export type WeightVersionsDocument = NonNullable<z.output<typeof manifestSchema>['weightVersions']>;
export type ManifestDocument = z.output<typeof manifestSchema>;

/**
 * The kernels for which every rank takes the naive variant, because some device gets another variant wrong: ranks with
 * different variants would add up in different orders.
 */
const quarantinedSchema = z.array(z.string().min(1).max(256)).max(1024).optional();

/**
 * What an agent needs to execute its rank of an attempt. Apart from `rank`, `resume` and `choices` the document is the
 * same for every rank.
 * libs/pipeline makes the schedule from (schedule, ranks, microBatches), so that the agents and the API prove the very
 * same one.
 */
export const attemptPlanSchema = z.strictObject({
  runId: z.string().min(1),
  fence: z.int().min(1),
  rank: z.int().min(0),
  /** Random bytes in hex; a peer's stream without it is refused. */
  dataKey: z.string().min(32),
  spec: runSpecSchema,
  model: modelConfigSchema,
  /** Slice of each stage; stage s runs on rank s. */
  stages: z.array(stageSliceSchema).min(1),
  peers: z.array(peerSchema).min(1),
  dataset: datasetRefSchema,
  /**
   * Where the weights come from: an own checkpoint (with optimizer, going on after its step), weights alone, or the
   * seed.
   */
  resume: z.discriminatedUnion('from', [
    z.strictObject({ from: z.literal('random') }),
    z.strictObject({ from: z.literal('checkpoint'), manifest: manifestSchema }),
    z.strictObject({ from: z.literal('weights'), manifest: manifestSchema }),
  ]),
  /** First step to execute (1 for a fresh run) and the last one. */
  firstStep: z.int().min(1),
  lastStep: z.int().min(1),
  /** How long a step is predicted to take; left out if there is no prediction. */
  expectedStepMs: z.number().positive().optional(),
  quarantined: quarantinedSchema,
  /** For the rank's kind of device; the other variants are the usual ones. They change no bit. */
  choices: z.array(kernelChoiceSchema).max(CHOICES_MAX).optional(),
});
export type AttemptPlan = z.output<typeof attemptPlanSchema>;

/** Text generation from a checkpoint, over the stages of a small gang. */
export const generatePlanSchema = z.strictObject({
  taskId: z.string().min(1),
  rank: z.int().min(0),
  dataKey: z.string().min(32),
  model: modelConfigSchema,
  stages: z.array(stageSliceSchema).min(1),
  peers: z.array(peerSchema).min(1),
  manifest: manifestSchema,
  promptTokens: z.array(z.int().min(0)).min(1),
  maxTokens: z.int().min(1).max(4096),
  /** With 0 the most probable token is taken. */
  temperature: z.number().min(0).max(100),
  seed: z.int().min(0),
  quarantined: quarantinedSchema,
});
export type GeneratePlan = z.output<typeof generatePlanSchema>;
