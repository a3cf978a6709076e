import { initialiseParameter, optimizerStates, stateName } from '@millrace/model';
import type { HostArray } from '@millrace/runtime';
import { weightMissing, weightWrongSize } from './stage.errors';
import type { ChunkMemory } from './chunk-memory';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { WeightKind, WeightSource } from './stage-ports';

/**
 * Fills the stage's parameters, and after a checkpoint its optimizer state. Errors: STAGE.WEIGHT_MISSING,
 * .WEIGHT_WRONG_SIZE.
 */
export async function loadWeights(plan: StagePlan, memory: StageMemory, source: WeightSource): Promise<void> {
  for (const chunk of memory.chunks) await loadChunk(plan, chunk, source);
}

async function loadChunk(plan: StagePlan, memory: ChunkMemory, source: WeightSource): Promise<void> {
  for (const parameter of memory.programs.parameters) {
    if (plan.init === 'random') {
      memory.backend.write(memory.tensor(parameter.name), initialiseParameter(plan.config, parameter, plan.seed));
      continue;
    }
    const wanted: [string, WeightKind][] = [[parameter.name, 'weight']];
    for (const state of plan.init === 'checkpoint' ? optimizerStates(plan.optimizer) : [])
      wanted.push([stateName(parameter.name, state), state]);
    for (const [tensorName, kind] of wanted) {
      const data = await source.read(parameter.name, kind);
      if (data === undefined) throw weightMissing(parameter.name, kind);
      write(memory, tensorName, data);
    }
  }
}

function write(memory: ChunkMemory, name: string, data: HostArray): void {
  const tensor = memory.tensor(name);
  const expected = tensor.declaration.shape.reduce((product, size) => product * size, 1);
  if (data.length !== expected) throw weightWrongSize(name, expected, data.length);
  memory.backend.write(tensor, data);
}
