import { learningRate, optimizerHyper } from '@millrace/model';
import type { ChunkMemory } from '../chunk-memory';
import type { StagePlan } from '../stage-plan';
import type { StepCounters } from '../step/step-counters';
import type { WorkTimeline } from '../work-timeline';
import type { WeightStash } from './weight-stash';

export interface StageUpdateOptions {
  readonly plan: StagePlan;
  readonly chunk: ChunkMemory;
  readonly stash: WeightStash;
  readonly timeline: WorkTimeline;
  readonly counters: StepCounters;
}

/**
 * STEP of one stage by itself: w(v+1) = w(v) - update(g), where the newest weights take a gradient that was computed
 * with stashed ones (Narayanan et al. 2019, section 3.3). Returns the learning rate.
 */
export function updateStage({ plan, chunk, stash, timeline, counters }: StageUpdateOptions): number {
  const { backend, optimizer } = chunk;
  const step = counters.current.updates + 1;
  const rate = learningRate(plan.learningRate, step);
  stash.push();
  const hyper = optimizerHyper(plan.optimizer, { lr: rate, step, gradientFactor: 1 });
  counters.advance(false);
  backend.write(chunk.tensor(optimizer.hyper.name), hyper);
  // The stage has both gradients of a tied embedding: a model of several stages may not tie it under such a schedule.
  if (optimizer.tied !== undefined) backend.run(chunk.program('combine-tied'));
  backend.run(chunk.program('update'));
  const text = `${chunk.chunk.stage}STEP`;
  timeline.enqueue(text, text, 'optimizer');
  backend.flush();
  return rate;
}
