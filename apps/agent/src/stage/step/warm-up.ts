import { optimizerHyper } from '@millrace/model';
import type { ChunkMemory } from '../chunk-memory';
import type { StageMemory } from '../stage-memory';
import type { StagePlan } from '../stage-plan';

/** With these values any optimizer leaves zeros as they are. */
const HARMLESS = { lr: 0, step: 1, gradientFactor: 0 };

/**
 * Runs every program once on zeros, before there are weights. Drivers compile at the first dispatch, and all stages
 * should compile at the same time, instead of one after the other when their first tensor arrives. The optimizer's
 * state stays zero; gradients are cleared before each step.
 */
export async function warmUp(memory: StageMemory, plan: StagePlan): Promise<void> {
  for (const chunk of memory.chunks) warmUpChunk(chunk, plan);
  await memory.backend.finish(0);
}

function warmUpChunk(memory: ChunkMemory, plan: StagePlan): void {
  const { backend, optimizer } = memory;
  backend.write(memory.tensor(optimizer.hyper.name), optimizerHyper(plan.optimizer, HARMLESS));
  const slot = memory.slot(0);
  backend.run(memory.forward(0));
  backend.run(slot.backwardInput);
  backend.run(memory.program('clear-gradients'));
  backend.run(slot.backwardWeight);
  if (optimizer.tied !== undefined) backend.run(memory.program('combine-tied'));
  backend.run(memory.program('squares'));
  backend.run(memory.program('update'));
  if (plan.evalMicroBatchCount > 0) backend.run(memory.evaluate(0).program);
}
