import { PRECISIONS, RECOMPUTE_SETTINGS } from '@millrace/core';
import { z } from 'zod';
import { modelConfigSchema } from '../attempt-plan';

/** What an agent is asked to measure: the layers of a model as a run would execute them. */
export const layerWorkSchema = z.strictObject({
  /** Its number of layers does not matter: one block is measured. */
  model: modelConfigSchema,
  /** How many sequences. */
  microBatch: z.int().min(1),
  recompute: z.enum(RECOMPUTE_SETTINGS),
  precision: z.enum(PRECISIONS).default('f32'),
});
export type LayerWork = z.output<typeof layerWorkSchema>;

/** Seconds of one micro-batch. */
export const computeTimesSchema = z.object({ F: z.number(), I: z.number(), W: z.number() });

/** How long the layers of a model take on a device: its embedding, one of its blocks, its head with the loss. */
export const layerTimesSchema = z.object({
  embedding: computeTimesSchema,
  block: computeTimesSchema,
  head: computeTimesSchema,
});
export type LayerTimes = z.output<typeof layerTimesSchema>;
export const LAYER_PARTS = ['embedding', 'block', 'head'] as const;
