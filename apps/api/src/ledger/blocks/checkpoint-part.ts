import { manifestTensorSchema } from '@millrace/contracts';
import { z } from 'zod';
import { partInvalid } from './checkpoint-writes.errors';

/** What one rank wrote of a checkpoint. */
export const checkpointPartSchema = z.strictObject({ tensors: z.array(manifestTensorSchema) });
export type CheckpointPart = z.output<typeof checkpointPartSchema>;

/** @throws AppError CHECKPOINT.PART_INVALID */
export function parseCheckpointPart(json: string): CheckpointPart {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw partInvalid('it is not JSON', cause);
  }
  const parsed = checkpointPartSchema.safeParse(document);
  if (!parsed.success) throw partInvalid(z.prettifyError(parsed.error));
  return parsed.data;
}
