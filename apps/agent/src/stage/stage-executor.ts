import { AppError, type Clock } from '@millrace/core';
import { stageFlops } from '@millrace/model';
import type { Backend } from '@millrace/runtime';
import type { StageTransport } from '../data-plane/stage-transport';
import { Evaluation } from './evaluation';
import { FlushlessExecutor } from './flushless/flushless-executor';
import { loadWeights } from './load-weights';
import { PatientWait } from './exchange/patient-wait';
import { takeSnapshot } from './snapshot';
import { StageMemory } from './stage-memory';
import { warmUp } from './warm-up';
import type { StagePlan } from './stage-plan';
import type { BoundaryRequests, CheckpointSink, DataSource, StageReporter, WeightSource } from './stage-ports';
import { StepEnd, type StepResult } from './step/step-end';
import { StepRunner } from './step/step-runner';
import { StepTokens } from './step/step-tokens';
import { TensorExchange } from './exchange/tensor-exchange';
import { WorkTimeline } from './work-timeline';

export interface StageExecutorOptions {
  readonly plan: StagePlan;
  readonly backend: Backend;
  readonly transport: StageTransport;
  /** The first and the last stage have one. */
  readonly data: DataSource | undefined;
  readonly weights: WeightSource;
  readonly checkpoints: CheckpointSink;
  readonly reporter: StageReporter;
  readonly requests: BoundaryRequests;
  readonly clock: Clock;
}

export interface StageOutcome {
  readonly state: 'finished' | 'paused';
  /** The last step whose update was done. */
  readonly step: number;
}

/** Spans are sent for one step in each such interval: a picture needs no more, and short steps would flood the API. */
const TRACE_INTERVAL_MS = 1000;

/** A rank that is ready. */
export interface ReadyStage {
  readonly memory: StageMemory;
  /** To its end, or to a pause. Rejects with what ended the attempt otherwise. */
  run(): Promise<StageOutcome>;
}

/** One rank of an attempt from its weights to its last checkpoint. */
export class StageExecutor implements ReadyStage {
  private constructor(
    private readonly options: StageExecutorOptions,
    readonly memory: StageMemory,
    private readonly timeline: WorkTimeline,
    private readonly runner: StepRunner,
    private readonly end: StepEnd,
    private readonly evaluation: Evaluation,
  ) {}

  private metricsAccepted: Promise<void> = Promise.resolve();
  private checkpoint: Promise<void> = Promise.resolve();
  private tracedAtMs = -Infinity;

  /** Allocates, compiles and loads the weights: after it the stage is ready. */
  static async prepare(options: StageExecutorOptions): Promise<ReadyStage> {
    const { plan, backend, transport, clock, reporter } = options;
    const memory = await StageMemory.open(backend, plan);
    reporter.log('info', memoryReport(plan, memory));
    await warmUp(memory, plan);
    await loadWeights(plan, memory, options.weights);
    await backend.finish(0);
    const timeline = new WorkTimeline(clock);
    timeline.seed(actionCosts(plan));
    const wait = new PatientWait({ rank: plan.rank, transport, clock, timeline, reporter });
    const exchange = new TensorExchange({ rank: plan.rank, backend, transport, timeline, wait });
    const tokens = new StepTokens({ ...options, memory });
    const parts = { ...options, memory, exchange, timeline, tokens };
    const evaluation = new Evaluation(parts);
    if (plan.updates.mode !== 'flush') return FlushlessExecutor.prepare({ ...parts, evaluation });
    return new StageExecutor(options, memory, timeline, new StepRunner(parts), new StepEnd(parts), evaluation);
  }

  /** Rejects with what ended the attempt: STAGE.NUMERICS, DATA_PLANE.*, RUNTIME.*, PIPELINE.LOG_DIFFERS … */
  async run(): Promise<StageOutcome> {
    const { plan, reporter } = this.options;
    for (let step = plan.firstStep; step <= plan.lastStep; step++) {
      reporter.step(step);
      const stop = await this.runStep(step).catch((error: unknown) => this.abandon(error));
      if (stop && step < plan.lastStep) return this.conclude('paused', step);
    }
    return this.conclude('finished', plan.lastStep);
  }

  /** A run that ends for its numbers keeps its last good checkpoint: one that is on its way gets there first. */
  private async abandon(error: unknown): Promise<never> {
    if (error instanceof AppError && error.code === 'STAGE.NUMERICS') {
      await this.checkpoint.catch(() => undefined);
      await this.metricsAccepted.catch(() => undefined);
    }
    throw error;
  }

  private async conclude(state: 'finished' | 'paused', step: number): Promise<StageOutcome> {
    await this.checkpoint;
    await this.metricsAccepted;
    return { state, step };
  }

  /** Whether to stop after it. */
  private async runStep(step: number): Promise<boolean> {
    const { plan, clock } = this.options;
    const startMs = clock.monotonicMs();
    const executed = await this.runner.run(step);
    const result = await this.end.run(step, executed);
    await this.reportStep(step, result, clock.monotonicMs() - startMs);
    if (this.evaluation.isDue(step)) await this.evaluate(step);
    const { checkpoint, stop } = result.commit;
    if (checkpoint) await this.startCheckpoint(step, stop || step === plan.lastStep);
    return stop;
  }

  private async reportStep(
    step: number,
    { commit, loss, learningRate }: StepResult,
    durationMs: number,
  ): Promise<void> {
    const { plan, reporter, clock } = this.options;
    const spans = this.timeline.takeSpans();
    if (clock.monotonicMs() - this.tracedAtMs >= TRACE_INTERVAL_MS) {
      this.tracedAtMs = clock.monotonicMs();
      reporter.trace(step, spans);
    }
    if (loss === undefined) return;
    // Training pauses here while the buffer for points is full, one step late, so that a round trip costs nothing.
    await this.metricsAccepted;
    this.metricsAccepted = reporter.metrics([
      { name: 'train/loss', step, value: loss },
      { name: 'train/grad_norm', step, value: commit.norm },
      { name: 'train/lr', step, value: learningRate },
      { name: 'train/tokens_per_second', step, value: (plan.tokensPerStep / Math.max(durationMs, 1e-3)) * 1000 },
    ]);
    this.metricsAccepted.catch(() => undefined);
  }

  private async evaluate(step: number): Promise<void> {
    const value = await this.evaluation.run(step);
    if (value !== undefined) await this.options.reporter.metrics([{ name: 'val/loss', step, value }]);
  }

  /** At most one is on its way: the next boundary waits for it. Its upload goes on while training does. */
  private async startCheckpoint(step: number, final: boolean): Promise<void> {
    const { plan, checkpoints } = this.options;
    await this.checkpoint;
    // The points of this step must be on their way before a checkpoint that would make them history.
    await this.metricsAccepted;
    this.checkpoint = checkpoints.store(step, takeSnapshot(plan, this.memory, this.timeline), final);
    this.checkpoint.catch(() => undefined);
  }
}

function memoryReport({ rank, recompute }: StagePlan, memory: StageMemory): string {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  const [allocated, predicted] = [mebibytes(memory.allocatedBytes), mebibytes(memory.predictedBytes())];
  return `rank ${rank} holds ${allocated} of device memory; predicted ${predicted}, recompute ${recompute}`;
}

/** FLOPs of each kind of action of each virtual stage: first guesses of how they compare in time. */
function actionCosts(plan: StagePlan): Record<string, number> {
  const costs = plan.chunks.flatMap(({ stage, slice }) => {
    const { forward, backwardInput, backwardWeight } = stageFlops(plan.config, slice, plan);
    return [
      [`${stage}F`, forward],
      [`${stage}I`, backwardInput],
      [`${stage}W`, backwardWeight],
    ] as const;
  });
  return Object.fromEntries(costs);
}
