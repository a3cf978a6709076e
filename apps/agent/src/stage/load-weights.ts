import { initialiseParameter, optimizerStates, stateName } from '@millrace/model';
import type { Backend, DeviceTensor, HostArray } from '@millrace/runtime';
import { weightMissing, weightWrongSize } from './stage.errors';
import type { ChunkMemory } from './chunk-memory';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { WeightKind, WeightSource } from './stage-ports';

/**
 * Fills the stage's parameters and, when it goes on from a checkpoint, its optimizer state. Errors:
 * STAGE.WEIGHT_MISSING, .WEIGHT_WRONG_SIZE.
 */
export async function loadWeights(plan: StagePlan, memory: StageMemory, source: WeightSource): Promise<void> {
  for (const chunk of memory.chunks) await loadChunk(plan, chunk, source);
}

async function loadChunk(plan: StagePlan, memory: ChunkMemory, source: WeightSource): Promise<void> {
  for (const parameter of memory.programs.parameters) {
    if (plan.init === 'random') {
      memory.backend.write(memory.tensor(parameter.name), initialiseParameter(parameter, plan.seed));
      continue;
    }
    const wanted: [string, WeightKind][] = [[parameter.name, 'weight']];
    for (const state of plan.init === 'checkpoint' ? optimizerStates(plan.optimizer) : [])
      wanted.push([stateName(parameter.name, state), state]);
    for (const [tensorName, kind] of wanted) {
      const data = await source.read(parameter.name, kind);
      if (data === undefined) throw weightMissing(parameter.name, kind);
      writeWeight(memory.backend, memory.tensor(tensorName), data);
    }
  }
  memory.copyWeights();
}

/** Throws STAGE.WEIGHT_WRONG_SIZE. */
export function writeWeight(backend: Backend, tensor: DeviceTensor, data: HostArray): void {
  const { name, shape } = tensor.declaration;
  const expected = shape.reduce((product, size) => product * size, 1);
  if (data.length !== expected) throw weightWrongSize(name, expected, data.length);
  backend.write(tensor, data);
}
