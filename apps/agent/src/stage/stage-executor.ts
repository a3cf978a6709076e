import { AppError, assert, type Clock } from '@millrace/core';
import { stageFlops } from '@millrace/model';
import type { Backend } from '@millrace/runtime';
import { CountedTransport } from '../data-plane/counted-transport';
import type { StageTransport } from '../data-plane/stage-transport';
import { StepAccount } from './account/step-account';
import { StepAccounts } from './account/step-accounts';
import { Evaluation } from './evaluation';
import { AttemptFailure } from './failure/attempt-failure';
import { StepWatchdog } from './failure/step-watchdog';
import { FlushlessExecutor } from './flushless/flushless-executor';
import { loadWeights } from './load-weights';
import { PatientWait } from './exchange/patient-wait';
import { copyOut, snapshotTensors, type SnapshotWindow } from './snapshot';
import { StageMemory } from './stage-memory';
import { warmUp } from './warm-up';
import type { StagePlan } from './stage-plan';
import type {
  BoundaryRequests,
  CheckpointSink,
  DataSource,
  MetricValue,
  SnapshotPiece,
  StageReporter,
  WeightSource,
} from './stage-ports';
import { StepEnd, type StepResult } from './step/step-end';
import { type StepGate, StepRunner } from './step/step-runner';
import { StepTokens } from './step/step-tokens';
import type { UncommittedStep } from './step/uncommitted-step';
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
  /** What else may use the device, while nothing of a step does. */
  readonly betweenSteps?: () => Promise<void>;
  readonly clock: Clock;
  /** Of checkpoints; a test may have a small one. */
  readonly snapshotWindow?: SnapshotWindow;
}

export interface StageOutcome {
  readonly state: 'finished' | 'paused';
  /** The last step whose update was done. */
  readonly step: number;
}

/** A rank that is ready. */
export interface ReadyStage {
  readonly memory: StageMemory;
  /** Steps whose optimistic update was undone, because the norm clipped. */
  readonly rolledBackCount: number;
  /** To its end, or to a pause. Rejects with what ended the attempt otherwise. */
  run(): Promise<StageOutcome>;
}

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
  /** The weights are out of the device's memory as they are to be stored, and may change. */
  private copied: Promise<void> = Promise.resolve();
  /** When the last committed step was done with, monotonic: what it took from there on is the next one's. */
  private boundaryMs = 0;
  /** Updated, and not agreed on yet. */
  private uncommitted: UncommittedStep | undefined;
  private stoppedAt: number | undefined;

  private get timeline(): WorkTimeline {
    return this.accounts.timeline;
  }

  /** Allocates, compiles and loads the weights: after it the stage is ready. */
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
    const memory = await StageMemory.open(backend, plan);
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
    const exchange = new TensorExchange({ rank, stages, backend, transport, timeline, wait, failure, watchdog });
    const tokens = new StepTokens({ ...options, memory });
    const parts = { ...options, transport, memory, exchange, timeline, tokens, watchdog };
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

  /** A run that ends for its numbers keeps its last good checkpoint: one that is on its way gets there first. */
  private async abandon(error: unknown): Promise<never> {
    if (error instanceof AppError && error.code === 'STAGE.NUMERICS') {
      await this.checkpoint.catch(() => undefined);
      await this.accounts.collect().then(
        (points) => this.report(points),
        () => undefined,
      );
      await this.metricsAccepted.catch(() => undefined);
    }
    throw error;
  }

  private async conclude(state: 'finished' | 'paused', step: number): Promise<StageOutcome> {
    await this.report(await this.accounts.collect());
    await this.checkpoint;
    await this.metricsAccepted;
    const { plan, reporter } = this.options;
    if (this.rolledBackCount > 0) reporter.log('info', rollbackReport(plan, this.rolledBackCount));
    return { state, step };
  }

  /** Steps whose optimistic update was undone, because the norm clipped. */
  get rolledBackCount(): number {
    return this.end.rolledBackCount;
  }

  /** Leaves `stoppedAt` set where it, or the step before it, is the last one. */
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

  /** What is due at a step's boundary happens there, with nothing begun of the next step. */
  private mayRunAhead(step: number): boolean {
    const { optimisticStep, lastStep, checkpointEvery } = this.options.plan;
    const checkpoint = checkpointEvery > 0 && step % checkpointEvery === 0;
    return optimisticStep && step < lastStep && !checkpoint && !this.evaluation.isDue(step);
  }

  private gate(uncommitted: UncommittedStep): StepGate {
    return {
      get isShut() {
        return uncommitted.isNextDropped;
      },
      pass: async () => {
        const waited = this.timeline.open(`wait:commit of step ${uncommitted.step}`, 'wait-commit');
        const result = await this.end.settle(uncommitted);
        waited();
        this.uncommitted = undefined;
        await this.finishStep(uncommitted.step, result);
      },
    };
  }

  /** After its update, with the weights of this step: also where actions of the next one have run. */
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
    { commit, loss, learningRate }: StepResult,
    durationMs: number,
  ): Promise<void> {
    const { plan, reporter, transport } = this.options;
    const points = await this.accounts.collect();
    const traffic = transport.take(step);
    this.accounts.end(step, traffic.sent);
    const spans = this.timeline.takeSpans();
    if (commit.trace === true) reporter.trace(step, { spans, ...traffic });
    if (loss === undefined) return this.report(points);
    await this.report([
      ...points,
      { name: 'train/loss', step, value: loss },
      { name: 'train/grad_norm', step, value: commit.norm },
      { name: 'train/lr', step, value: learningRate },
      { name: 'train/tokens_per_second', step, value: (plan.tokensPerStep / Math.max(durationMs, 1e-3)) * 1000 },
    ]);
  }

  private async report(points: readonly MetricValue[]): Promise<void> {
    if (points.length === 0) return;
    // Training pauses here while the buffer for points is full, one step late, so that a round trip costs nothing.
    await this.metricsAccepted;
    this.metricsAccepted = this.options.reporter.metrics(points);
    this.metricsAccepted.catch(() => undefined);
  }

  private async evaluate(step: number): Promise<void> {
    const value = await this.evaluation.run(step);
    if (value !== undefined) await this.options.reporter.metrics([{ name: 'val/loss', step, value }]);
  }

  /**
   * At most one is on its way: the next boundary waits for it. Its upload goes on while training does; the next update
   * waits until everything is at least in the snapshot's window.
   */
  private async startCheckpoint(step: number, final: boolean): Promise<void> {
    const { plan, checkpoints } = this.options;
    await this.checkpoint;
    // The points of this step must be on their way before a checkpoint that would make them history.
    await this.report(await this.accounts.collect());
    await this.metricsAccepted;
    const { backend, snapshotWindow: window } = this.options;
    const tensors = snapshotTensors(plan, this.memory);
    const { pieces, copied } = copyOut(tensors, { backend, timeline: this.timeline, window });
    this.checkpoint = checkpoints.store(step, pieces, final);
    // One that failed takes no more pieces.
    this.copied = Promise.race([copied, this.checkpoint.catch(() => undefined)]);
  }
}

/** Bringing a piece from the device is the device's part of a checkpoint, which nobody else bounds. */
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

/** Steps begin at the watchdog, and what waits for the API does not count for it. */
function watched(
  { reporter, checkpoints, betweenSteps }: StageExecutorOptions,
  watchdog: StepWatchdog,
): Pick<StageExecutorOptions, 'reporter' | 'checkpoints' | 'betweenSteps'> {
  return {
    ...(betweenSteps && { betweenSteps: () => watchdog.outside(betweenSteps()) }),
    reporter: {
      ...reporter,
      step: (step) => {
        watchdog.begin(step);
        reporter.step(step);
      },
      metrics: (points) => watchdog.outside(reporter.metrics(points)),
    },
    checkpoints: {
      store: (step, pieces, final) => watchdog.outside(checkpoints.store(step, fromDevice(pieces, watchdog), final)),
    },
  };
}

function memoryReport({ rank, recompute }: StagePlan, memory: StageMemory): string {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  const [allocated, predicted] = [mebibytes(memory.allocatedBytes), mebibytes(memory.predictedBytes())];
  return `rank ${rank} holds ${allocated} of device memory; predicted ${predicted}, recompute ${recompute}`;
}

function rollbackReport({ rank }: StagePlan, count: number): string {
  return `rank ${rank} updated ${count} steps twice, because the gradient norm clipped (parallel.optimisticStep)`;
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
