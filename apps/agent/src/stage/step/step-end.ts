import type { AppError, Clock } from '@millrace/core';
import {
  addLossRows,
  learningRate,
  lossScaleOf,
  optimizerHyper,
  squaresByParameter,
  type UpdateCounters,
} from '@millrace/model';
import { type Action, checkExecutedLog, NO_MICRO_BATCH } from '@millrace/pipeline';
import { numericsFailed } from '../stage.errors';
import { countedParameters, type RankNorms, StepCommit } from './step-commit';
import type { HostArray, RecordedRun } from '@millrace/runtime';
import type { ChunkMemory } from '../chunk-memory';
import type { StageMemory } from '../stage-memory';
import { placeOf, type StagePlan } from '../stage-plan';
import type { BoundaryRequests, Commit } from '../stage-ports';
import type { TensorExchange } from '../exchange/tensor-exchange';
import type { StepCounters } from './step-counters';
import type { StepTokens } from './step-tokens';
import { UncommittedStep } from './uncommitted-step';
import type { WorkTimeline } from '../work-timeline';

export interface StepEndOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  readonly tokens: StepTokens;
  readonly counters: StepCounters;
  readonly requests: BoundaryRequests;
  readonly clock: Clock;
}

export interface StepResult {
  readonly commit: Commit;
  /** Only the head knows it. */
  readonly loss: number | undefined;
  /** Of its update, or of the one that was skipped. */
  readonly learningRate: number;
  /** With which its gradients were computed; undefined where they are not scaled. */
  readonly lossScale: number | undefined;
}

/**
 * Executes REDUCE and STEP: adds up tied gradients, computes the global norm through rank 0, then runs the optimizer.
 */
export class StepEnd {
  private readonly stepCommit: StepCommit;
  private rolledBack = 0;

  constructor(private readonly options: StepEndOptions) {
    this.stepCommit = new StepCommit(options);
  }

  /** What a checkpoint of the last step that ended holds of the counters; undefined where they follow from the step. */
  get storedCounters(): UpdateCounters | undefined {
    const { current } = this.options.counters;
    return current.lossScale === undefined ? undefined : current;
  }

  /** Number of optimistic updates that were undone because the gradient norm clipped. */
  get rolledBackCount(): number {
    return this.rolledBack;
  }

  /**
   * Updates once all ranks have agreed, unless they skip the step. Errors: PIPELINE.LOG_DIFFERS (before anything is
   * committed), STAGE.NUMERICS.
   */
  async run(step: number, executed: readonly Action[]): Promise<StepResult> {
    const { norms } = await this.reduce(step, executed);
    // The device computes the norm meanwhile, and does not wait for this when it is known.
    const updates = this.options.memory.chunks.map((chunk) => chunk.recordUpdate());
    const { counters, exchange } = this.options;
    const before = counters.current;
    const commit = await this.stepCommit.agree({ step, before }, norms);
    await exchange.settleSends(false);
    if (commit.abort !== undefined) throw aborted(step, commit.abort);
    if (commit.overflow === undefined) this.update(before, commit.clipCoefficient, updates);
    counters.advance(commit.overflow !== undefined);
    return this.result(before, commit, await norms);
  }

  /**
   * Updates at once as if the norm were finite and did not clip, and keeps a copy of what it changes; `settle` undoes
   * the update if it was wrong. Until then the gradients must stay. Errors: PIPELINE.LOG_DIFFERS.
   */
  async runAhead(step: number, executed: readonly Action[]): Promise<UncommittedStep> {
    const { memory, exchange, counters } = this.options;
    const { norms } = await this.reduce(step, executed);
    const before = counters.current;
    const agreed = this.stepCommit.agree({ step, before, isOverlapped: true }, norms);
    for (const chunk of memory.chunks) chunk.saveUndo();
    this.update(before, 1);
    counters.advance(false);
    return new UncommittedStep({ step, before, norms, agreed, dropNext: () => exchange.rollBack() });
  }

  /** Waits for rank 0's decision on the step and carries it out. Errors: STAGE.NUMERICS, with nothing updated. */
  async settle({ step, before, norms, commit: agreed }: UncommittedStep): Promise<StepResult> {
    const { memory, counters } = this.options;
    const commit = await agreed;
    const { clipCoefficient, overflow, abort } = commit;
    if (clipCoefficient !== 1) for (const chunk of memory.chunks) chunk.restoreUndo();
    if (abort !== undefined) throw aborted(step, abort);
    if (overflow !== undefined) counters.advanceAgain(before, true);
    else if (clipCoefficient !== 1) {
      this.rolledBack++;
      this.update(before, clipCoefficient);
    }
    return this.result(before, commit, await norms);
  }

  /** Checks what was executed and adds up tied gradients. When it resolves, the norms are being computed. */
  private async reduce(step: number, executed: readonly Action[]): Promise<{ readonly norms: Promise<RankNorms> }> {
    const { plan } = this.options;
    const stage = plan.actions.at(-1)?.stage ?? plan.rank;
    const ends: Action[] = [
      { kind: 'REDUCE', stage, microBatch: NO_MICRO_BATCH },
      { kind: 'STEP', stage, microBatch: NO_MICRO_BATCH },
    ];
    checkExecutedLog(plan.actions, [...executed, ...ends]);
    await this.combineTied(step);
    const norms = this.norms();
    norms.catch(() => undefined);
    return { norms };
  }

  /** Updates every chunk, with the runs that were recorded for it, if there are any. */
  private update(before: UpdateCounters, clipCoefficient: number, recorded: readonly RecordedRun[] = []): void {
    const { plan, memory, timeline } = this.options;
    const { backend } = memory;
    const step = before.updates + 1;
    const lr = learningRate(plan.learningRate, step);
    const gradientFactor = clipCoefficient / lossScaleOf(before);
    const hyper = optimizerHyper(plan.optimizer, { lr, step, gradientFactor });
    for (const [index, chunk] of memory.chunks.entries()) {
      backend.write(chunk.tensor(chunk.optimizer.hyper.name), hyper);
      backend.enqueue(recorded[index] ?? chunk.recordUpdate());
      const text = `${chunk.chunk.stage}STEP`;
      timeline.enqueue(text, text, 'optimizer');
    }
  }

  private result(before: UpdateCounters, commit: Commit, { loss }: RankNorms): StepResult {
    return {
      commit,
      loss: loss === undefined ? undefined : loss.sum / loss.tokens,
      learningRate: learningRate(this.options.plan.learningRate, before.updates + 1),
      lossScale: before.lossScale?.scale,
    };
  }

  /** The first and the last stage swap their gradients of a tied embedding; both add them in the same order. */
  private async combineTied(step: number): Promise<void> {
    const { memory } = this.options;
    const { embedding, head } = memory;
    if (embedding !== undefined && head !== undefined && embedding !== head) swapTied(embedding, head);
    const alone = embedding === undefined ? head : head === undefined ? embedding : undefined;
    if (alone !== undefined) await this.exchangeTied(step, alone);
    for (const chunk of new Set([embedding, head])) {
      if (chunk?.optimizer.tied !== undefined) memory.backend.run(chunk.program('combine-tied'));
    }
  }

  private async exchangeTied(step: number, chunk: ChunkMemory): Promise<void> {
    const { plan, exchange } = this.options;
    const { tied } = chunk.optimizer;
    if (tied === undefined) return;
    const { embedding } = chunk.chunk.slice;
    const peer = placeOf(plan, embedding ? plan.slices.length - 1 : 0).rank;
    const [own, other] = embedding ? [tied.embedding, tied.head] : [tied.head, tied.embedding];
    const address = { edge: 'tied', step, microBatch: -1, chunk: 0 } as const;
    const pending = exchange.ask(peer, address);
    await exchange.send(peer, chunk.tensor(own.name), address);
    await exchange.take(pending, 'REDUCE', chunk.tensor(other.name));
  }

  private async norms(): Promise<RankNorms> {
    const { memory, timeline, tokens } = this.options;
    // The count is read now: when the device is done, the next step may have begun and changed it.
    const { count } = tokens;
    for (const chunk of memory.chunks) {
      memory.backend.run(chunk.program('squares'));
      const text = `${chunk.chunk.stage}REDUCE`;
      timeline.enqueue(text, text, 'optimizer');
    }
    const partialSums = memory.chunks.flatMap((chunk) =>
      chunk.optimizer.partialSums.map(({ name }) => chunk.tensor(name)),
    );
    const done = timeline.mark();
    const read = await memory.backend.readAll([...partialSums, ...(memory.head?.losses ?? [])], timeline.delayMs());
    done();
    const squares = memory.chunks.flatMap((chunk) =>
      this.countedSquares(chunk, read.splice(0, chunk.optimizer.partialSums.length)),
    );
    const sum = read.reduce((total, rows) => addLossRows(total, rows), 0);
    return { squares, loss: count === undefined ? undefined : { sum, tokens: count } };
  }

  private countedSquares({ optimizer, chunk }: ChunkMemory, read: readonly HostArray[]): number[] {
    const squares = squaresByParameter(optimizer, read);
    return countedParameters(this.options.plan, chunk.stage).map((name) => squares.get(name)!);
  }
}

function aborted(step: number, { value, ...abort }: NonNullable<Commit['abort']>): AppError {
  return numericsFailed(step, { ...abort, value: Number(value) });
}

/** Swaps tied gradients where one rank holds both ends: the first and the last stage of a V. */
function swapTied(embedding: ChunkMemory, head: ChunkMemory): void {
  const [first, last] = [embedding.optimizer.tied, head.optimizer.tied];
  if (first === undefined || last === undefined) return;
  embedding.backend.copy(head.tensor(last.head.name), embedding.tensor(first.head.name));
  embedding.backend.copy(embedding.tensor(first.embedding.name), head.tensor(last.embedding.name));
}
