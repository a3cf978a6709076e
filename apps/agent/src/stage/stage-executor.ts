import { AppError, assert } from '@millrace/core';
import { stageFlops } from '@millrace/model';
import { CountedTransport } from '../data-plane/counted-transport';
import { StepAccount } from './account/step-account';
import { StepAccounts } from './account/step-accounts';
import { Evaluation } from './evaluation';
import { AttemptFailure } from './failure/attempt-failure';
import { StepWatchdog } from './failure/step-watchdog';
import { FlushlessExecutor } from './flushless/flushless-executor';
import { loadWeights } from './load-weights';
import { PatientWait } from './exchange/patient-wait';
import { copyOut, snapshotTensors } from './snapshot';
import { StageMemory } from './stage-memory';
import { warmUp } from './step/warm-up';
import type { StagePlan } from './stage-plan';
import type { ReadyStage, StageExecutorOptions, StageOutcome } from './ready-stage';
import type { Commit, MetricValue, SnapshotPiece } from './stage-ports';
import { StepCounters } from './step/step-counters';
import { StepEnd, type StepResult } from './step/step-end';
import { type StepGate, StepRunner } from './step/step-runner';
import { StepTokens } from './step/step-tokens';
import type { UncommittedStep } from './step/uncommitted-step';
import { TensorExchange } from './exchange/tensor-exchange';
import { WorkTimeline } from './work-timeline';

/** One rank of an attempt from its weights to its last checkpoint. */
export class StageExecutor implements ReadyStage {
  private constructor(
    private readonly options: StageExecutorOptions & { readonly transport: CountedTransport },
    readonly memory: StageMemory,
    private readonly runner: StepRunner,
    private readonly end: StepEnd,
    private readonly evaluation: Evaluation,
    private readonly accounts: StepAccounts,
  ) {}

  private metricsAccepted: Promise<void> = Promise.resolve();
  private checkpoint: Promise<void> = Promise.resolve();
  /**
   * Resolves when the weights that a checkpoint stores are copied out of the device's memory, so that they may change.
   */
  private copied: Promise<void> = Promise.resolve();
  /** Monotonic time at which the last committed step was finished; time after it counts for the next step. */
  private boundaryMs = 0;
  /** The step that was updated although rank 0 has not decided on it yet. */
  private uncommitted: UncommittedStep | undefined;
  private stoppedAt: number | undefined;

  private get timeline(): WorkTimeline {
    return this.accounts.timeline;
  }

  /** Allocates memory, compiles the programs and loads the weights; the stage it returns is ready. */
  static async prepare(options: StageExecutorOptions): Promise<ReadyStage> {
    const failure = new AttemptFailure();
    void options.backend.failed.then((error) => failure.raise(error));
    const { rank, expectedStepMs } = options.plan;
    const watchdog = new StepWatchdog({ rank, expectedStepMs, clock: options.clock, failure });
    const stage = await failure.race(
      StageExecutor.assemble({ ...options, ...watched(options, watchdog) }, { failure, watchdog }),
    );
    return {
      memory: stage.memory,
      get rolledBackCount() {
        return stage.rolledBackCount;
      },
      run: () => failure.race(stage.run()).finally(() => watchdog.end()),
    };
  }

  private static async assemble(
    options: StageExecutorOptions,
    { failure, watchdog }: { failure: AttemptFailure; watchdog: StepWatchdog },
  ): Promise<ReadyStage> {
    const { plan, backend, clock } = options;
    const { rank, ranks, chunks } = plan;
    const { reporter } = options;
    reporter.phase('compiling');
    const memory = await StageMemory.open(backend, plan, options.snapshotWindow);
    reporter.log('info', memoryReport(plan, memory));
    reporter.phase('warming');
    await warmUp(memory, plan);
    reporter.phase('loading');
    await loadWeights(plan, memory, options.weights);
    await backend.finish(0);
    const account = new StepAccount();
    const timeline = new WorkTimeline(clock, (cause, span) => account.add(cause, span));
    timeline.seed(actionCosts(plan));
    const transport = new CountedTransport(options.transport, clock);
    const wait = new PatientWait({ rank, transport, clock, timeline, reporter, watchdog });
    const stages = chunks.map(({ stage }) => stage);
    const exchange = new TensorExchange({ rank, stages, memory, transport, timeline, wait, failure, watchdog });
    const counters = new StepCounters(plan.counters);
    const tokens = new StepTokens({ ...options, memory, counters });
    const parts = { ...options, transport, memory, exchange, timeline, tokens, counters, watchdog };
    const evaluation = new Evaluation(parts);
    if (plan.updates.mode !== 'flush') return FlushlessExecutor.prepare({ ...parts, evaluation });
    const accounts = new StepAccounts({ rank, ranks, exchange, account, timeline, clock });
    return new StageExecutor(parts, memory, new StepRunner(parts), new StepEnd(parts), evaluation, accounts);
  }

  /** Rejects with what ended the attempt: STAGE.NUMERICS, DATA_PLANE.*, RUNTIME.*, PIPELINE.LOG_DIFFERS … */
  async run(): Promise<StageOutcome> {
    const { plan, reporter, clock } = this.options;
    this.boundaryMs = clock.monotonicMs();
    this.accounts.begin();
    for (let step = plan.firstStep; step <= plan.lastStep; step++) {
      await this.options.betweenSteps?.();
      reporter.step(step);
      await this.runStep(step).catch((error: unknown) => this.abandon(error));
      const { stoppedAt } = this;
      if (stoppedAt !== undefined && stoppedAt < plan.lastStep) return this.conclude('paused', stoppedAt);
    }
    return this.conclude('finished', plan.lastStep);
  }

  /** A run that ends for its numbers keeps its last good checkpoint: one that is being stored is finished first. */
  private async abandon(error: unknown): Promise<never> {
    if (error instanceof AppError && error.code === 'STAGE.NUMERICS') {
      await this.checkpoint.catch(() => undefined);
      await this.accounts.takePoints().then(
        (points) => this.report(points),
        () => undefined,
      );
      await this.metricsAccepted.catch(() => undefined);
    }
    throw error;
  }

  private async conclude(state: 'finished' | 'paused', step: number): Promise<StageOutcome> {
    await this.report(await this.accounts.takePoints());
    await this.checkpoint;
    await this.metricsAccepted;
    const { plan, reporter } = this.options;
    if (this.rolledBackCount > 0) reporter.log('info', rollbackReport(plan, this.rolledBackCount));
    return { state, step };
  }

  /** Number of optimistic updates that were undone because the gradient norm clipped. */
  get rolledBackCount(): number {
    return this.end.rolledBackCount;
  }

  /** Sets `stoppedAt` if training stops at this step, or at the step before it. */
  private async runStep(step: number): Promise<void> {
    const { uncommitted } = this;
    const gate = uncommitted === undefined ? undefined : this.gate(uncommitted);
    let executed = await this.runner.run(step, gate);
    if (this.stoppedAt !== undefined) return;
    executed ??= await this.runner.run(step);
    assert(executed !== undefined, `step ${step} was dropped after step ${step - 1} was committed`);
    await this.copied;
    if (this.mayRunAhead(step)) this.uncommitted = await this.end.runAhead(step, executed);
    else await this.finishStep(step, await this.end.run(step, executed));
  }

  /**
   * A step may run ahead of rank 0's decision unless a checkpoint or an evaluation is due at its end: these need a
   * boundary at which nothing of the next step has begun.
   */
  private mayRunAhead(step: number): boolean {
    const { optimisticStep, lastStep, checkpointEvery } = this.options.plan;
    const checkpoint = checkpointEvery > 0 && step % checkpointEvery === 0;
    return optimisticStep && step < lastStep && !checkpoint && !this.evaluation.isDue(step);
  }

  private gate(uncommitted: UncommittedStep): StepGate {
    return {
      get isStepDropped() {
        return uncommitted.isNextDropped;
      },
      pass: async () => {
        const waited = this.timeline.beginSpan(`wait:commit of step ${uncommitted.step}`, 'wait-commit');
        const result = await this.end.settle(uncommitted);
        waited();
        this.uncommitted = undefined;
        await this.finishStep(uncommitted.step, result);
      },
    };
  }

  /**
   * Ends a step after its update, while the weights are still those of this step; actions of the next step may have
   * run.
   */
  private async finishStep(step: number, result: StepResult): Promise<void> {
    const { plan, clock } = this.options;
    await this.reportStep(step, result, clock.monotonicMs() - this.boundaryMs);
    if (this.evaluation.isDue(step)) await this.evaluate(step);
    const { checkpoint, stop } = result.commit;
    if (checkpoint) await this.startCheckpoint(step, stop || step === plan.lastStep);
    if (stop) this.stoppedAt = step;
    this.boundaryMs = clock.monotonicMs();
    this.accounts.begin();
  }

  private async reportStep(
    step: number,
    { commit, loss, learningRate, lossScale }: StepResult,
    durationMs: number,
  ): Promise<void> {
    const { plan, reporter, transport } = this.options;
    const points = await this.accounts.takePoints();
    const traffic = transport.take(step);
    this.accounts.share(step, traffic.sent);
    const spans = this.timeline.takeSpans();
    if (commit.trace === true) reporter.trace(step, { spans, ...traffic });
    if (commit.overflow !== undefined && plan.rank === 0) reporter.log('warn', skipReport(commit, lossScale));
    if (loss === undefined) return this.report(points);
    await this.report([
      ...points,
      { name: 'train/loss', step, value: loss },
      ...(commit.overflow === undefined ? [{ name: 'train/grad_norm', step, value: commit.norm }] : []),
      { name: 'train/lr', step, value: learningRate },
      ...(lossScale === undefined ? [] : [{ name: 'train/loss_scale', step, value: lossScale }]),
      { name: 'train/tokens_per_second', step, value: (plan.tokensPerStep / Math.max(durationMs, 1e-3)) * 1000 },
    ]);
  }

  private async report(points: readonly MetricValue[]): Promise<void> {
    if (points.length === 0) return;
    // Training waits here while the buffer for points is full. It waits one step late, so that a round trip costs
    // nothing.
    await this.metricsAccepted;
    this.metricsAccepted = this.options.reporter.metrics(points);
    this.metricsAccepted.catch(() => undefined);
  }

  private async evaluate(step: number): Promise<void> {
    const value = await this.evaluation.run(step);
    if (value !== undefined) await this.options.reporter.metrics([{ name: 'val/loss', step, value }]);
  }

  /**
   * At most one checkpoint is being stored: the next one waits for it. Its upload goes on while training does, but the
   * next update waits until everything that is to be stored is at least in the snapshot's window.
   */
  private async startCheckpoint(step: number, final: boolean): Promise<void> {
    const { plan, checkpoints } = this.options;
    await this.checkpoint;
    // The points of this step must be sent before a checkpoint that makes the step part of the run's history.
    await this.report(await this.accounts.takePoints());
    await this.metricsAccepted;
    const { backend, staging } = this.memory;
    const tensors = snapshotTensors(plan, this.memory);
    const { pieces, copied } = copyOut(tensors, { backend, timeline: this.timeline, staging: staging.snapshot });
    this.checkpoint = checkpoints.store({ step, final, counters: this.end.storedCounters }, pieces);
    // If storing failed, nobody takes the remaining pieces, and `copied` would never resolve.
    this.copied = Promise.race([copied, this.checkpoint.catch(() => undefined)]);
  }
}

/** The watchdog bounds how long the device may take for each piece of a checkpoint: nothing else does. */
async function* fromDevice(
  pieces: AsyncIterable<SnapshotPiece>,
  watchdog: StepWatchdog,
): AsyncGenerator<SnapshotPiece> {
  const iterator = pieces[Symbol.asyncIterator]();
  for (;;) {
    const next = await watchdog.device(iterator.next());
    if (next.done === true) return;
    yield next.value;
  }
}

/** Tells the watchdog when a step begins, and not to count the time in which the rank waits for the API. */
function watched(
  { reporter, checkpoints, betweenSteps }: StageExecutorOptions,
  watchdog: StepWatchdog,
): Pick<StageExecutorOptions, 'reporter' | 'checkpoints' | 'betweenSteps'> {
  return {
    ...(betweenSteps && { betweenSteps: () => watchdog.pauseFor(betweenSteps()) }),
    reporter: {
      ...reporter,
      step: (step) => {
        watchdog.begin(step);
        reporter.step(step);
      },
      metrics: (points) => watchdog.pauseFor(reporter.metrics(points)),
    },
    checkpoints: {
      store: (stored, pieces) => watchdog.pauseFor(checkpoints.store(stored, fromDevice(pieces, watchdog))),
    },
  };
}

function memoryReport({ rank, recompute }: StagePlan, memory: StageMemory): string {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  const [allocated, predicted] = [mebibytes(memory.allocatedBytes), mebibytes(memory.predictedBytes)];
  return `rank ${rank} holds ${allocated} of device memory; predicted ${predicted}, recompute ${recompute}`;
}

function rollbackReport({ rank }: StagePlan, count: number): string {
  return `rank ${rank} updated ${count} steps twice, because the gradient norm clipped (parallel.optimisticStep)`;
}

function skipReport({ step, overflow }: Commit, lossScale: number | undefined): string {
  const where = overflow?.firstBad === undefined ? 'the gradient norm' : `the gradient of ${overflow.firstBad}`;
  return `step ${step} updates nothing: ${where} is not finite at loss scale ${lossScale}`;
}

/**
 * FLOPs of each kind of action of each virtual stage. They are first guesses of how long the kinds take relative to
 * each other.
 */
function actionCosts(plan: StagePlan): Record<string, number> {
  const costs = plan.chunks.flatMap(({ stage, slice, fusedBackward }) => {
    const { forward, backwardInput, backwardWeight } = stageFlops(plan.config, slice, { ...plan, fusedBackward });
    return [
      [`${stage}F`, forward],
      [`${stage}I`, backwardInput],
      [`${stage}W`, backwardWeight],
    ] as const;
  });
  return Object.fromEntries(costs);
}
