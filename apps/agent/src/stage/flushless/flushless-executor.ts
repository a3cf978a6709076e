import { AppError, assert } from '@millrace/core';
import { type Action, flushlessRow } from '@millrace/pipeline';
import { ActionRunner } from '../action-runner';
import type { CountedTransport } from '../../data-plane/counted-transport';
import type { ChunkMemory } from '../chunk-memory';
import type { Evaluation } from '../evaluation';
import type { TensorExchange } from '../exchange/tensor-exchange';
import { copyOut, snapshotTensors } from '../snapshot';
import type { ReadyStage, StageExecutorOptions, StageOutcome } from '../ready-stage';
import type { StageMemory } from '../stage-memory';
import { TRACE_INTERVAL_MS } from '../stage-ports';
import type { StagePlan } from '../stage-plan';
import type { StepCounters } from '../step/step-counters';
import type { StepTokens } from '../step/step-tokens';
import type { WorkTimeline } from '../work-timeline';
import { BoundaryDecisions } from './boundary-decisions';
import { FlushlessLog } from './flushless-log';
import { LossReports } from './loss-reports';
import { updateStage } from './stage-update';
import { loadStashed, onlyFinite, stashedTensors } from './stashed-tensors';
import { VersionedPrograms } from './versioned-programs';
import { WeightStash } from './weight-stash';

export interface FlushlessParts extends StageExecutorOptions {
  readonly transport: CountedTransport;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  readonly tokens: StepTokens;
  readonly counters: StepCounters;
  readonly evaluation: Evaluation;
}

/**
 * One rank of an attempt under a schedule that does not flush. It executes one row of actions from the first
 * micro-batch to the last, in which each stage updates its weights as soon as it has its gradients. Each rank takes the
 * checkpoint of step s after its update s, while the next micro-batches are in flight; the pipeline drains only at the
 * end of a run or before a pause.
 */
export class FlushlessExecutor implements ReadyStage {
  private readonly chunk: ChunkMemory;
  private readonly stash: WeightStash;
  private readonly runner: ActionRunner;
  private readonly boundaries: BoundaryDecisions;
  private readonly losses: LossReports;
  private readonly log: FlushlessLog;
  /** Known when no forward is left to do. */
  private lastStep: number | undefined;
  private checkpoint: Promise<void> = Promise.resolve();
  /** Resolves when the weights that a checkpoint stores are copied out of the device's memory. */
  private copied: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private tracedAtMs = -Infinity;

  private constructor(private readonly parts: FlushlessParts) {
    const { plan, memory } = parts;
    const [chunk] = memory.chunks;
    assert(chunk !== undefined && memory.chunks.length === 1, 'a schedule that does not flush has one stage per rank');
    this.chunk = chunk;
    this.stash = new WeightStash(plan, chunk);
    const programs = new VersionedPrograms(plan, chunk, this.stash);
    this.runner = new ActionRunner(parts, {
      place: (microBatch) => ({ step: stepOf(plan, microBatch), microBatch: microBatch % plan.microBatchCount }),
      program: (_chunk, kind, microBatch) => programs.of(kind, microBatch),
      beginsUpdate: ({ microBatch }) => microBatch % plan.microBatchCount === 0,
    });
    this.boundaries = new BoundaryDecisions(parts);
    this.log = new FlushlessLog(plan);
    this.losses = new LossReports({ ...parts, tokensPerStep: plan.tokensPerStep });
  }

  /** No update is undone: this executor never updates optimistically. */
  readonly rolledBackCount = 0;

  get memory(): StageMemory {
    return this.parts.memory;
  }

  /**
   * Loads the older weight versions, if the attempt goes on from a checkpoint that has them; the weights are loaded
   * already.
   */
  static async prepare(parts: FlushlessParts): Promise<FlushlessExecutor> {
    const executor = new FlushlessExecutor(parts);
    await loadStashed(parts.memory, executor.stash, parts.weights);
    await parts.backend.finish(0);
    return executor;
  }

  /** Rejects with what ended the attempt: STAGE.NUMERICS, DATA_PLANE.*, RUNTIME.*, PIPELINE.LOG_DIFFERS … */
  async run(): Promise<StageOutcome> {
    const { plan } = this.parts;
    const goesOn = async (step: number): Promise<boolean> => {
      const { stop } = await this.boundaries.at(step);
      if (stop) this.lastStep = step;
      return !stop;
    };
    try {
      for await (const action of flushlessRow(plan, plan.firstStep - 1, goesOn)) await this.execute(action);
      return await this.conclude(this.stash.newest);
    } catch (error) {
      return this.abandon(error);
    }
  }

  private async execute(action: Action): Promise<void> {
    if (this.failure !== undefined) throw this.failure.error;
    this.losses.check();
    this.log.add(action);
    if (action.kind === 'STEP') return this.endStep(stepOf(this.parts.plan, action.microBatch));
    if (action.kind === 'F' && action.microBatch % this.parts.plan.microBatchCount === 0) {
      const step = stepOf(this.parts.plan, action.microBatch);
      await this.parts.betweenSteps?.();
      this.parts.reporter.step(step);
      this.parts.tokens.begin(step);
    }
    await this.runner.execute(action);
  }

  private async endStep(step: number): Promise<void> {
    const { tokens } = this.parts;
    await this.copied;
    this.log.endStep(step, this.lastStep);
    const learningRate = updateStage({ ...this.parts, chunk: this.chunk, stash: this.stash });
    if (tokens.count !== undefined) {
      await this.losses.add(this.chunk.losses, { step, tokens: tokens.count, learningRate });
    }
    this.trace(step);
    const { checkpoint, stop } = await this.boundaries.at(step);
    this.boundaries.forget(step - 1);
    if (checkpoint && !stop) await this.startCheckpoint(step, false);
  }

  /** Called when the pipeline is drained, which is when every rank has the same weight version. */
  private async conclude(step: number): Promise<StageOutcome> {
    const { plan, exchange, evaluation, reporter } = this.parts;
    await exchange.sends.settled();
    await this.losses.settled();
    if (evaluation.isDue(step)) {
      const value = await evaluation.run(step);
      if (value !== undefined) await reporter.metrics([{ name: 'val/loss', step, value }]);
    }
    await this.startCheckpoint(step, true);
    await this.checkpoint;
    return { state: step < plan.lastStep ? 'paused' : 'finished', step };
  }

  /**
   * Copies what the checkpoint holds before the next update. At most one checkpoint is being stored at a time. The head
   * stores it only when the API has accepted the points before it, and never after a loss that is not finite.
   */
  private async startCheckpoint(step: number, final: boolean): Promise<void> {
    const { plan, memory, timeline, checkpoints } = this.parts;
    await this.checkpoint;
    const tensors = [...snapshotTensors(plan, memory), ...stashedTensors(memory, this.stash)];
    const { pieces, copied } = copyOut(tensors, {
      backend: memory.backend,
      timeline,
      staging: memory.staging.snapshot,
    });
    this.checkpoint = this.losses.settled().then(() => checkpoints.store({ step, final }, onlyFinite(step, pieces)));
    const over = this.checkpoint.catch((error: unknown) => void (this.failure ??= { error }));
    this.copied = Promise.race([copied, over]);
  }

  /** A run that ends for its numbers keeps its last good checkpoint: one that is being stored is finished first. */
  private async abandon(error: unknown): Promise<never> {
    if (error instanceof AppError && error.code === 'STAGE.NUMERICS') await this.checkpoint.catch(() => undefined);
    throw error;
  }

  private trace(step: number): void {
    const { timeline, transport, clock, reporter } = this.parts;
    const trace = { spans: timeline.takeSpans(), ...transport.take(step) };
    if (clock.monotonicMs() - this.tracedAtMs < TRACE_INTERVAL_MS) return;
    this.tracedAtMs = clock.monotonicMs();
    reporter.trace(step, trace);
  }
}

/** The step, counted from 1, whose update takes in the gradients of a micro-batch. */
function stepOf({ microBatchCount }: StagePlan, microBatch: number): number {
  return Math.floor(microBatch / microBatchCount) + 1;
}
