import type { ManifestDocument } from '@millrace/contracts';
import type { StoredPlan } from '../../runs/attempt-record';
import { type CheckpointPart, parseCheckpointPart } from './checkpoint-part';
import { mergeParts } from './merge-parts';

/** What can be asked: to check what a rank reported, or to merge all ranks' parts, which are a JSON object by rank. */
export type CheckpointTask =
  | { readonly operation: 'check'; readonly json: string }
  | { readonly operation: 'merge'; readonly partsJson: string; readonly plan: StoredPlan; readonly step: number };

/**
 * A manifest as text: to receive an object of so many tensors would keep the event loop for longer than parsing it.
 */
export interface MergedManifest {
  readonly json: string;
  /** The bytes of all blocks, each distinct piece counted once: a checkpoint takes as much space as its blocks. */
  readonly bytes: number;
  /** The hashes of the distinct blocks one after the other, each of 64 characters. */
  readonly hashes: string;
  /** For each of these blocks, the byte at which the last piece that a tensor takes of it ends. */
  readonly ends: Float64Array;
}

export type CheckpointAnswer = string | MergedManifest;

/** @throws AppError CHECKPOINT.PART_INVALID, CHECKPOINT.PARTS_INCOMPLETE */
export function carryOut(task: CheckpointTask): CheckpointAnswer {
  if (task.operation === 'check') return JSON.stringify(parseCheckpointPart(task.json));
  const parts = Object.values(JSON.parse(task.partsJson) as Record<string, CheckpointPart>);
  const manifest = mergeParts(parts, task.plan, task.step);
  const ends = endsOf(manifest);
  return {
    json: JSON.stringify(manifest),
    bytes: distinctBytes(manifest),
    hashes: [...ends.keys()].join(''),
    ends: Float64Array.from(ends.values()),
  };
}

function endsOf({ tensors }: ManifestDocument): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { blocks } of tensors)
    for (const { sha256, offset = 0, bytes } of blocks)
      ends.set(sha256, Math.max(ends.get(sha256) ?? 0, offset + bytes));
  return ends;
}

function distinctBytes({ tensors }: ManifestDocument): number {
  const bytesOf = new Map<string, number>();
  for (const { blocks } of tensors)
    for (const { sha256, offset = 0, bytes } of blocks) bytesOf.set(`${sha256}+${offset}`, bytes);
  return [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
}
