import type { StageMemory } from '../stage-memory';
import type { TensorToCopy } from '../snapshot';
import { writeWeight } from '../load-weights';
import { numericsFailed, weightMissing } from '../stage.errors';
import type { SnapshotPiece, WeightKind, WeightSource } from '../stage-ports';
import type { WeightStash } from './weight-stash';

/**
 * A checkpoint of version s also holds the older versions that later micro-batches still use, each named by how many
 * updates ago it was the newest. Nothing else of the micro-batches in flight is stored: their forwards depend only on
 * the tokens and on these versions, and are done again.
 */
export function stashedTensors({ chunks }: StageMemory, stash: WeightStash): TensorToCopy[] {
  return ages(stash).flatMap((age) =>
    chunks.flatMap((chunk) =>
      chunk.programs.parameters.map(({ name, shape }) => ({
        entry: { name, kind: kindOf(age), shape },
        tensor: stash.tensors(stash.newest - age).get(name)!,
      })),
    ),
  );
}

/** Errors: STAGE.WEIGHT_MISSING, .WEIGHT_WRONG_SIZE. */
export async function loadStashed({ chunks }: StageMemory, stash: WeightStash, source: WeightSource): Promise<void> {
  for (const chunk of chunks) {
    for (const age of ages(stash)) {
      const tensors = stash.tensors(stash.newest - age);
      for (const { name } of chunk.programs.parameters) {
        const data = await source.read(name, kindOf(age));
        if (data === undefined) throw weightMissing(name, kindOf(age));
        writeWeight(chunk.backend, tensors.get(name)!, data);
      }
    }
  }
}

/**
 * Passes the pieces on while they are finite. Without a barrier nobody looks at the gradients, and a checkpoint must
 * not hold weights that are not finite.
 */
export async function* onlyFinite(step: number, pieces: AsyncIterable<SnapshotPiece>): AsyncIterable<SnapshotPiece> {
  for await (const piece of pieces) {
    const bad = piece.data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) throw numericsFailed(step, { what: `an element of ${piece.name}`, value: bad });
    yield piece;
  }
}

function ages({ newest, oldest }: WeightStash): number[] {
  return Array.from({ length: newest - oldest }, (_, index) => index + 1);
}

function kindOf(age: number): WeightKind {
  return `weight-${age}`;
}
