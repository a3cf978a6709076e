import { PRECISIONS, RECOMPUTE_SETTINGS } from '@millrace/core';
import { SCHEDULE_NAMES } from '@millrace/pipeline';
import { z } from 'zod';
import { count } from './fields/count';
import { nameText, shortText, storableText } from './fields/storable-text';
import { modelSchema } from './model/model-schema';

/**
 * The run spec: one document for REST, gRPC, CLI and dashboard. This schema is its only definition; what a build does
 * not have yet is refused in `run-spec-limits.ts`, combinations that cannot work in `run-spec-rules.ts`.
 */

const SELECTORS_MAX = 10_000;
/** An agent has no more labels either. */
const LABELS_MAX = 64;

const dataSchema = z.strictObject({
  dataset: nameText,
  order: z.enum(['shuffled', 'sequential']).default('shuffled'),
  validation: z.number().min(0).lt(1).default(0),
});

const optimizerSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('adamw'),
    lr: z.number().positive(),
    betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.95]),
    eps: z.number().positive().default(1e-8),
    weightDecay: z.number().min(0).default(0),
  }),
  z.strictObject({
    type: z.literal('sgd'),
    lr: z.number().positive(),
    momentum: z.number().min(0).lt(1).default(0),
    weightDecay: z.number().min(0).default(0),
  }),
]);

const trainSchema = z.strictObject({
  steps: count(1_000_000_000),
  batch: z.strictObject({ global: count(1_000_000), micro: count(1_000_000) }),
  optimizer: optimizerSchema,
  lr: z
    .strictObject({
      schedule: z.enum(['constant', 'cosine']).default('constant'),
      warmup: z.int().min(0).default(0),
      min: z.number().min(0).optional(),
    })
    .default({ schedule: 'constant', warmup: 0 }),
  clip: z.number().positive().optional(),
  precision: z.enum(PRECISIONS).default('f32'),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  evalEvery: z.int().min(0).default(0),
  evalBatches: count(10_000).default(8),
  checkpointEvery: z.int().min(0).default(0),
  keepCheckpoints: count(10_000).default(3),
});

const PARALLEL_DEFAULTS = {
  pp: 1,
  dp: 1,
  tp: 1,
  schedule: '1f1b',
  chunks: 1,
  scheduleCsv: '',
  verticalSync: false,
  optimisticStep: true,
  wire: 'f32',
  recompute: 'none',
  partition: 'auto',
} as const;

const parallelSchema = z.strictObject({
  pp: count(1024).default(PARALLEL_DEFAULTS.pp),
  dp: count(1024).default(PARALLEL_DEFAULTS.dp),
  tp: count(1024).default(PARALLEL_DEFAULTS.tp),
  schedule: z.enum([...SCHEDULE_NAMES, 'csv']).default(PARALLEL_DEFAULTS.schedule),
  chunks: count(64).default(PARALLEL_DEFAULTS.chunks),
  scheduleCsv: storableText.max(1_000_000).default(PARALLEL_DEFAULTS.scheduleCsv),
  verticalSync: z.boolean().default(PARALLEL_DEFAULTS.verticalSync),
  optimisticStep: z.boolean().default(PARALLEL_DEFAULTS.optimisticStep),
  wire: z.enum(PRECISIONS).default(PARALLEL_DEFAULTS.wire),
  recompute: z.enum(RECOMPUTE_SETTINGS).default(PARALLEL_DEFAULTS.recompute),
  partition: z
    .union([z.literal('auto'), z.array(z.int().min(0)).min(1).max(4096)])
    .default(PARALLEL_DEFAULTS.partition),
});

const RESOURCE_DEFAULTS = { labels: {}, include: [], exclude: [], minMemoryGiB: 0 };

const resourcesSchema = z.strictObject({
  labels: z
    .record(shortText, shortText)
    .refine((labels) => Object.keys(labels).length <= LABELS_MAX, `must have at most ${LABELS_MAX} entries`)
    .default(RESOURCE_DEFAULTS.labels),
  include: z.array(nameText).max(SELECTORS_MAX).default(RESOURCE_DEFAULTS.include),
  exclude: z.array(nameText).max(SELECTORS_MAX).default(RESOURCE_DEFAULTS.exclude),
  minMemoryGiB: z.number().min(0).default(RESOURCE_DEFAULTS.minMemoryGiB),
});

const NAME = /^[A-Za-z0-9._-]{1,128}$/;
const name = z.string().regex(NAME, 'must be 1 to 128 characters of A-Z, a-z, 0-9, ".", "_" and "-"');

export const runSpecSchema = z
  .strictObject({
    name,
    project: name.default('default'),
    queue: name.default('default'),
    priority: z.int().min(0).max(100).default(50),
    model: modelSchema,
    data: dataSchema,
    train: trainSchema,
    parallel: parallelSchema.default(PARALLEL_DEFAULTS),
    resources: resourcesSchema.default(RESOURCE_DEFAULTS),
    retries: z.int().min(0).max(1000).default(3),
  })
  .meta({ id: 'RunSpec' });

/** A run spec as a user writes it: defaults may be left out. */
export type RunSpecInput = z.input<typeof runSpecSchema>;
/**
 * A run spec with every default filled in: by the schema, and by `completeModel` for those that depend on other fields.
 */
export type RunSpec = z.output<typeof runSpecSchema>;
