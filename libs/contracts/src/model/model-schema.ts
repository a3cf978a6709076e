import type { RopeScaling } from '@millrace/core';
import { z } from 'zod';
import { count } from '../fields/count';
import { nameText } from '../fields/storable-text';

export const MODEL_FAMILY_NAMES = ['gpt2', 'llama'] as const;

const initSchema = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('random') }),
  z.strictObject({ from: z.literal('checkpoint'), id: nameText }),
  z.strictObject({ from: z.literal('safetensors'), id: nameText }),
]);

/** The scalings of rotary positions, as in Hugging Face's `rope_scaling`. */
export const ropeScalingSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('llama3'),
    factor: z.number().min(1),
    lowFreqFactor: z.number().positive(),
    highFreqFactor: z.number().positive(),
    originalContext: count(1_000_000_000),
  }),
  z.strictObject({ type: z.literal('linear'), factor: z.number().min(1) }),
]) satisfies z.ZodType<RopeScaling>;

/** Defaults that are not given here depend on the family or on other fields; `completeModel` fills them in. */
export const modelSchema = z.strictObject({
  family: z.enum(MODEL_FAMILY_NAMES),
  layers: count(1024),
  heads: count(1024),
  kvHeads: count(1024).optional(),
  headSize: count(1024).optional(),
  hidden: count(65_536),
  ffn: count(262_144).optional(),
  context: count(131_072),
  vocab: z.union([z.literal('auto'), count(1_000_000)]).default('auto'),
  dropout: z.number().min(0).lt(1).default(0),
  tieEmbeddings: z.boolean().optional(),
  normEps: z.number().positive().max(1).optional(),
  ropeTheta: z.number().min(1).optional(),
  ropeScaling: z.union([z.literal('none'), ropeScalingSchema]).optional(),
  init: initSchema.default({ from: 'random' }),
});

export type ModelSpec = z.output<typeof modelSchema>;
