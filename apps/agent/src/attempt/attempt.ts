import type { AgentMessageBody, agentV1, AttemptPlan, StartPhase } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import { type Clock, type Logger } from '@millrace/core';
import type { MeasuredChoice } from '@millrace/runtime';
import type { BlobCache } from '../blobs/blob-cache';
import type { BlobPort } from '../blobs/blob-port';
import { TensorIndex } from '../blobs/tensor-index';
import { asAppError, CheckpointWriter } from '../checkpoint/checkpoint-writer';
import { readsTokens, stagePlan } from '../stage/stage-plan';
import type { DataPlane } from '../data-plane/data-plane';
import type { LinkCredential } from '../data-plane/link/link-credential';
import type { Outbox } from '../session/outbox';
import type { BoundaryWishes, StoredStep, WaitReport, WeightKind } from '../stage/stage-ports';
import type { DeviceChoice } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { fromThreadError } from '../worker/thread-error';
import type { FromWorker } from '../worker/worker-messages';
import { failureClass } from './failure-class';
import { attemptFrameBounds } from './frame-bounds';
import { FREE_TURN, type LentTurn, LentTurns } from './lent-turns';
import { RankThread } from './rank-thread';
import { StartPhases } from './start-phases';

export interface AttemptOptions {
  readonly plan: AttemptPlan;
  /** Needed if a peer is on another machine. */
  readonly credential: LinkCredential | undefined;
  readonly leaseMs: number;
  /** How long an attempt goes on without the API. */
  readonly graceMs: number;
  readonly device: DeviceChoice;
  readonly dataPlane: DataPlane;
  readonly startThread: StartGpuThread;
  readonly cache: BlobCache;
  readonly blobs: BlobPort;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Sends the message at once if there is a session, and drops it otherwise. */
  readonly send: (body: AgentMessageBody) => void;
  /** What happens on other threads and sockets reaches the attempt through the agent's queue. */
  readonly onEvent: (event: AttemptEvent) => void;
}

export type AttemptEvent =
  | { readonly type: 'phase'; readonly phase: StartPhase }
  | { readonly type: 'prepared'; readonly tokenFile: string | undefined }
  | { readonly type: 'worker'; readonly message: FromWorker }
  | { readonly type: 'drained' }
  | { readonly type: 'failed'; readonly error: AppError };

/**
 *   starting ──> ready ──> running ──> draining ──> settling ──> ended (finished, paused)
 *       └──────────┴──────────┴───────────┴────────────┴───────> ended (failed, superseded, stopped)
 *
 * While draining, peers take the last frames. While settling, the API stores the last points, log lines and checkpoint.
 */
export type AttemptPhase = 'starting' | 'ready' | 'running' | 'draining' | 'settling' | 'ended';

/** How long a peer may take to start, and how many leases it may be away, before the attempt is given up. */
const FIRST_ACCEPT_MS = 60_000;
const LOST_AFTER_LEASES = 4;

/** One rank of an attempt, as the thread with the sockets sees it. Only `handle`, `end` and `settle` change it. */
export class Attempt {
  readonly runId: string;
  readonly fence: number;
  state: AttemptPhase = 'starting';
  step: number;
  /** The last report, which is sent again in each new session. */
  private lastReport: agentV1.AttemptReport | undefined;
  private outcome: 'finished' | 'paused' = 'finished';
  private readonly rank: RankThread;
  /** Where the weights come from. */
  private source: TensorIndex | undefined;
  private readonly writers = new Map<number, CheckpointWriter>();
  private readonly phases: StartPhases;
  private readonly turns = new LentTurns((message) => this.rank.tell(message));

  constructor(private readonly options: AttemptOptions) {
    const { plan, leaseMs, onEvent } = options;
    this.runId = plan.runId;
    this.fence = plan.fence;
    this.step = plan.firstStep - 1;
    this.phases = new StartPhases({ clock: options.clock, onLong: (phase) => onEvent({ type: 'phase', phase }) });
    this.rank = new RankThread({
      dataPlane: options.dataPlane,
      startThread: options.startThread,
      clock: options.clock,
      links: {
        runId: plan.runId,
        fence: plan.fence,
        key: plan.dataKey,
        credential: options.credential,
        rank: plan.rank,
        peers: plan.peers,
        bounds: attemptFrameBounds(plan),
        firstAcceptMs: FIRST_ACCEPT_MS,
        lostAfterMs: leaseMs * LOST_AFTER_LEASES,
      },
      weight: (name, kind) => this.weight(name, kind),
      onMessage: (message) => onEvent({ type: 'worker', message }),
      onPeerDead: (_, error) => onEvent({ type: 'failed', error }),
    });
  }

  get isOver(): boolean {
    return this.state === 'ended';
  }

  /** How long the thread that owns the device has said nothing, in milliseconds. */
  get threadSilentMs(): number {
    return this.rank.silentMs;
  }

  /** Lends the device to a generation: between two steps while the attempt trains, at once otherwise. */
  lendDevice(): Promise<LentTurn> {
    return this.state === 'running' ? this.turns.take() : Promise.resolve(FREE_TURN);
  }

  /** Fetches what the rank needs. `after` resolves when whatever used the device before has ended. */
  begin(after: Promise<void>): void {
    this.report('starting', { phase: 'fetching' });
    const { plan, cache, onEvent } = this.options;
    const stopped = (): boolean => this.isOver;
    const tokenFile = async (): Promise<string | undefined> =>
      readsTokens(stagePlan(plan), plan.rank)
        ? cache.tokenFile(plan.dataset.sha256, plan.dataset.bytes, stopped)
        : undefined;
    const prepare = async (): Promise<string | undefined> => {
      const path = await tokenFile();
      if (!this.isOver) this.phases.enter('vacating');
      await after;
      return path;
    };
    prepare().then(
      (path) => onEvent({ type: 'prepared', tokenFile: path }),
      (error: unknown) => onEvent({ type: 'failed', error: asAppError(error) }),
    );
  }

  handle(event: AttemptEvent): void {
    if (this.isOver) return;
    switch (event.type) {
      case 'phase':
        if (this.state === 'starting') this.report('starting', { phase: event.phase });
        return;
      case 'prepared': {
        const { plan, device } = this.options;
        this.phases.enter('opening');
        return this.rank.start({ kind: 'attempt', plan, device, tokenFile: event.tokenFile });
      }
      case 'worker':
        return this.handleWorker(event.message);
      case 'drained':
        this.state = 'settling';
        return this.settle();
      case 'failed':
        return this.fail(event.error);
      default:
        event satisfies never;
    }
  }

  askBoundary(wishes: BoundaryWishes): void {
    this.rank.askBoundary(wishes);
  }

  /** Called after each acknowledgement: the last report is sent when everything before it is in the database. */
  settle(): void {
    if (this.state !== 'settling' || !this.options.outbox.isSettled(this)) return;
    this.report(this.outcome);
    void this.end(this.outcome);
  }

  /** Called in each new session. */
  reportAgain(): void {
    if (this.lastReport !== undefined) this.options.send({ $case: 'attempt', value: this.lastReport });
  }

  /** Ends the attempt with a report. A superseded attempt ends without one: nothing of it counts any more. */
  fail(error: AppError): void {
    const { logger, outbox, plan } = this.options;
    const { runId, fence } = this;
    if (this.isOver) return;
    if (error.kind === 'aborted' && failureClass(error) === 'internal') {
      logger.warn({ runId, fence, code: error.code }, `attempt dropped: ${error.message}`);
      outbox.drop(this);
      void this.end('superseded');
      return;
    }
    logger.error({ runId, fence, code: error.code, details: error.details }, `attempt failed: ${error.message}`);
    this.log('error', error.message);
    // The API takes no lines under this fence once it has the report, so that the lines that say why are sent first.
    for (const body of outbox.take()) this.options.send(body);
    const culprit = error.details['rank'];
    this.report('failed', {
      failureClass: failureClass(error),
      errorCode: error.code,
      errorMessage: error.message,
      culpritRank: typeof culprit === 'number' && culprit !== plan.rank ? culprit : -1,
    });
    void this.end('failed');
  }

  /** Resolves when the device is free. */
  end(reason: string): Promise<void> {
    this.state = 'ended';
    this.phases.end();
    this.turns.end();
    return this.rank.end(reason);
  }

  private handleWorker(message: FromWorker): void {
    switch (message.type) {
      case 'phase':
        return this.phases.enter(message.phase);
      case 'ready':
        this.state = 'ready';
        this.phases.end();
        void this.measureLinks();
        return this.report('ready');
      case 'step':
        return this.began(message.step);
      case 'metrics':
        return this.rank.reply(message.callId, this.addMetrics(message.points));
      case 'log':
        return this.log(message.level, message.text);
      case 'trace':
        return this.sendTrace(message);
      case 'waiting':
        return this.sendWaiting(message.report);
      case 'tuned':
        return this.sendChoices(message.choices);
      case 'snapshot-piece':
        return this.rank.reply(message.callId, this.writer(message.step).add(message.piece));
      case 'snapshot-end':
        return this.rank.reply(message.callId, this.finishCheckpoint(message.stored));
      case 'finished':
        this.state = 'draining';
        this.turns.end();
        this.step = message.step;
        this.outcome = message.state;
        void this.rank.drain().then(() => this.options.onEvent({ type: 'drained' }));
        return;
      case 'turn-given':
        return this.turns.given(message.turnId, message.sliceMs);
      case 'failed':
        return this.fail(fromThreadError(message.error));
      case 'take-turn':
      case 'turn-over':
      case 'send':
      case 'taken':
      case 'memory':
      case 'read-weight':
      case 'described':
      case 'probed':
      case 'profiled':
      case 'tokens':
        return;
      default:
        message satisfies never;
    }
  }

  /**
   * Measures now, before the first tensors come. Frames that come meanwhile only make a link seem slower than it is.
   */
  private async measureLinks(): Promise<void> {
    const { runId, fence } = this;
    const { plan, send } = this.options;
    const ranks = plan.peers.length;
    // Tensors go to the neighbours and, if ranks have several chunks, from the last rank to the first.
    const neighbours = new Set([plan.rank + 1, plan.rank - 1 + ranks].map((rank) => rank % ranks));
    neighbours.delete(plan.rank);
    for (const toRank of neighbours) {
      const measured = await this.rank.measureLink(toRank);
      if (this.isOver) return;
      if (measured !== undefined) send({ $case: 'linkMeasured', value: { runId, fence, toRank, ...measured } });
    }
  }

  private sendTrace({ step, trace }: Extract<FromWorker, { type: 'trace' }>): void {
    const { runId, fence, options } = this;
    const { spans, sent, countedMs } = trace;
    const told = { spans: [...spans], sent: [...sent], countedMs };
    options.send({ $case: 'trace', value: { runId, fence, rank: options.plan.rank, step, ...told } });
  }

  private sendWaiting({ action, forRank, waitedMs, last }: WaitReport): void {
    const { runId, fence, options } = this;
    const told = { lastFrame: last?.frame ?? '', lastFrameAgeMs: last?.ageMs ?? 0 };
    options.send({
      $case: 'stageWaiting',
      value: { runId, fence, rank: options.plan.rank, action, forRank, waitedMs, ...told },
    });
  }

  private sendChoices(choices: readonly MeasuredChoice[]): void {
    const { runId, fence } = this;
    this.options.send({ $case: 'kernelChoices', value: { runId, fence, choices: [...choices] } });
  }

  private began(step: number): void {
    this.step = step;
    if (this.state === 'running') return;
    this.state = 'running';
    this.report('running');
  }

  private addMetrics(points: readonly { name: string; step: number; value: number }[]): Promise<void> {
    const timeMs = this.options.clock.now();
    return this.options.outbox.addMetrics(
      { runId: this.runId, fence: this.fence },
      points.map((point) => ({ ...point, timeMs })),
    );
  }

  private log(level: string, text: string): void {
    const { outbox, clock, plan, logger } = this.options;
    outbox.addLog({ runId: this.runId, fence: this.fence }, { timeMs: clock.now(), level, stage: plan.rank, text });
    const grave = level === 'warn' || level === 'error' ? level : 'info';
    logger[grave]({ runId: this.runId, fence: this.fence, rank: plan.rank }, text);
  }

  private report(state: string, more: Partial<agentV1.AttemptReport> = {}): void {
    const { runId, fence, step } = this;
    this.lastReport = {
      runId,
      fence,
      state,
      step,
      failureClass: '',
      errorCode: '',
      errorMessage: '',
      culpritRank: -1,
      phase: '',
      ...more,
    };
    this.options.logger.info({ runId, fence, step }, `the attempt is ${state}`);
    this.reportAgain();
  }

  private async weight(name: string, kind: WeightKind): Promise<Float32Array | undefined> {
    const { resume } = this.options.plan;
    if (resume.from === 'random') return undefined;
    this.source ??= new TensorIndex(resume.manifest.tensors);
    const tensor = this.source.find(name, kind);
    return tensor === undefined ? undefined : this.options.cache.tensor(tensor, () => this.isOver);
  }

  private writer(step: number): CheckpointWriter {
    let writer = this.writers.get(step);
    if (writer === undefined) {
      const { blobs, clock, random, graceMs } = this.options;
      writer = new CheckpointWriter({
        runId: this.runId,
        fence: this.fence,
        step,
        blobs,
        clock,
        random,
        stopped: () => this.isOver,
        patienceMs: graceMs,
      });
      this.writers.set(step, writer);
    }
    return writer;
  }

  /** Rejects when the attempt cannot go on: its fence is old, or its final checkpoint could not be stored. */
  private async finishCheckpoint({ step, final, counters }: StoredStep): Promise<void> {
    const { outbox, plan } = this.options;
    const report = { runId: this.runId, fence: this.fence, step, rank: plan.rank };
    try {
      const manifestPartJson = await this.writer(step).finish(counters);
      await outbox.addCheckpoint({ ...report, state: 'stored', manifestPartJson, errorMessage: '' });
    } catch (caught) {
      const error = asAppError(caught);
      if (error.kind === 'aborted') throw error;
      await outbox.addCheckpoint({ ...report, state: 'failed', manifestPartJson: '', errorMessage: error.message });
      this.log('error', `the checkpoint of step ${step} failed: ${error.message}`);
      if (final) throw error;
    } finally {
      this.writers.delete(step);
    }
  }
}
