import { lossScaleSchema, manifestTensorSchema } from '@millrace/contracts';
import { z } from 'zod';
import { partInvalid } from '../../blocks/checkpoint-writes.errors';

/** What one rank wrote of a checkpoint. */
const checkpointPartSchema = z.strictObject({
  tensors: z.array(manifestTensorSchema),
  /** Where gradients are scaled: elsewhere they follow from the step. */
  counters: z.strictObject({ updates: z.int().min(0), lossScale: lossScaleSchema }).optional(),
});
export type CheckpointPart = z.output<typeof checkpointPartSchema>;

/** A part can be wrong in as many places as it has tensors; the first ones show what is wrong. */
const ISSUES_TOLD_MAX = 5;

/** @throws AppError CHECKPOINT.PART_INVALID */
export function parseCheckpointPart(json: string): CheckpointPart {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw partInvalid('it is not JSON', cause);
  }
  const parsed = checkpointPartSchema.safeParse(document);
  if (!parsed.success) throw partInvalid(z.prettifyError({ issues: parsed.error.issues.slice(0, ISSUES_TOLD_MAX) }));
  return parsed.data;
}
