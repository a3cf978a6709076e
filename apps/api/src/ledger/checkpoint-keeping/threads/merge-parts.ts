import { type ManifestDocument, weightVersionsOf } from '@millrace/contracts';
import { allParameters, optimizerStates } from '@millrace/model';
import type { StoredPlan } from '../../runs/attempt-record';
import type { CheckpointPart } from './checkpoint-part';
import { partsIncomplete } from '../../blocks/checkpoint-writes.errors';
import { olderVersions } from './older-versions';

type ManifestTensor = ManifestDocument['tensors'][number];

const F32_BYTES = 4;

/**
 * Merges the parts of all ranks into one manifest: the weight of every parameter, then the optimizer's states one after
 * the other, each in the fixed global order, so that the manifest does not depend on the partition. Each tensor comes
 * from one rank: the first stage writes a tied embedding. Throws CHECKPOINT.PARTS_INCOMPLETE.
 */
export function mergeParts(parts: readonly CheckpointPart[], plan: StoredPlan, step: number): ManifestDocument {
  const found = tensorsByKey(parts, step);
  const { optimizer } = plan.spec.train;
  const whole = ['weight', ...optimizerStates(optimizer)].flatMap((kind) =>
    allParameters(plan.model).map((parameter) => ({ kind, ...parameter })),
  );
  const tensors = [...whole, ...olderVersions(plan, step)].map(({ kind, name, shape }) => {
    const tensor = found.get(keyOf(kind, name));
    if (tensor === undefined) throw partsIncomplete(step, `no rank wrote ${kind} of ${name}`);
    checkSize(tensor, shape, step);
    return tensor;
  });
  const weightVersions = plan.oldestVersion === undefined ? undefined : weightVersionsOf(plan, plan.oldestVersion);
  if (found.size !== tensors.length)
    throw partsIncomplete(step, `they hold ${found.size} tensors, the model has ${tensors.length}`);
  const counters = agreedCounters(parts, step);
  return {
    version: 1,
    runId: plan.runId,
    step,
    model: plan.model,
    rng: { seed: plan.spec.train.seed },
    dataPosition: { samples: samplesConsumed(plan, step) },
    optimizer: { type: optimizer.type, step: counters?.updates ?? updatesDone(plan, step) },
    ...(counters === undefined ? {} : { lossScale: counters.lossScale }),
    ...(weightVersions === undefined ? {} : { weightVersions }),
    tensors,
  };
}

/** Every rank counts alike. */
function agreedCounters(parts: readonly CheckpointPart[], step: number): CheckpointPart['counters'] {
  const told = new Set(parts.map(({ counters }) => JSON.stringify(counters ?? null)));
  if (told.size > 1) throw partsIncomplete(step, `ranks count differently: ${[...told].join(' and ')}`);
  return parts[0]?.counters;
}

/** Updates up to and including `step`, where no step is skipped; an earlier run may have skipped some. */
function updatesDone({ firstStep, updatesBefore = firstStep - 1 }: StoredPlan, step: number): number {
  return updatesBefore + (step - firstStep + 1);
}

/** Samples consumed up to and including `step` by the whole chain of runs, whose batches may differ. */
function samplesConsumed({ firstStep, firstSample, spec }: StoredPlan, step: number): number {
  const { global } = spec.train.batch;
  return (firstSample ?? (firstStep - 1) * global) + (step - firstStep + 1) * global;
}

function tensorsByKey(parts: readonly CheckpointPart[], step: number): Map<string, ManifestTensor> {
  const found = new Map<string, ManifestTensor>();
  for (const tensor of parts.flatMap((part) => part.tensors)) {
    const key = keyOf(tensor.kind, tensor.name);
    if (found.has(key)) throw partsIncomplete(step, `two ranks wrote ${tensor.kind} of ${tensor.name}`);
    found.set(key, tensor);
  }
  return found;
}

function checkSize({ kind, name, shape, blocks }: ManifestTensor, expected: readonly number[], step: number): void {
  const bytes = blocks.reduce((sum, block) => sum + block.bytes, 0);
  const size = expected.reduce((product, extent) => product * extent, F32_BYTES);
  if (shape.length !== expected.length || shape.some((extent, index) => extent !== expected[index]) || bytes !== size) {
    throw partsIncomplete(
      step,
      `${kind} of ${name} is [${shape.join(', ')}] in ${bytes} bytes, not [${expected.join(', ')}]`,
    );
  }
}

function keyOf(kind: string, name: string): string {
  return `${kind} ${name}`;
}
