import type { AgentMessageBody, agentV1, ApiMessageBody } from '@millrace/contracts';
import { attemptPlanSchema, generatePlanSchema, layerWorkSchema } from '@millrace/contracts';
import { type AppError, type Clock, describeError, LATE_MS, type Logger } from '@millrace/core';
import { Attempt, type AttemptEvent } from './attempt/attempt';
import { credentialRefusal } from './attempt/credential-refusal';
import {
  agentBusy,
  agentStopping,
  apiAway,
  attemptUnknown,
  fenceTooOld,
  planInvalid,
  superseded,
} from './attempt/attempt.errors';
import { FREE_TURN } from './attempt/lent-turns';
import type { BlobCache } from './blobs/blob-cache';
import type { BlobPort } from './blobs/blob-port';
import type { DataPlane } from './data-plane/data-plane';
import type { AgentEvent } from './agent-event';
import { EventQueue } from './event-queue';
import { sharedDevice } from './device/shared-device';
import { Generation } from './generate/generation';
import { LayerProfiling } from './profile/layer-profiling';
import { CommandAnswers } from './session/command-answers';
import { Heartbeat } from './session/heartbeat';
import { Outbox } from './session/outbox';
import { parseJson } from './session/parse-json';
import { SessionClient, type SessionEvent } from './session/session-client';
import type { SessionDialer } from './session/session-channel';
import type { TelemetrySource } from './telemetry/telemetry-source';
import type { DeviceChoice } from './worker/gpu-task';
import type { StartGpuThread } from './worker/gpu-thread';
import type { FromWorker } from './worker/worker-messages';

export interface AgentOptions {
  /** What the agent is; the rest is filled in when a session opens. */
  readonly identity: Omit<agentV1.Register, 'running' | 'takesParts'>;
  readonly device: DeviceChoice;
  readonly dialer: SessionDialer;
  readonly dataPlane: DataPlane;
  readonly startThread: StartGpuThread;
  readonly cache: BlobCache;
  readonly blobs: BlobPort;
  readonly telemetry: TelemetrySource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** These count until the first welcome names other ones. */
const DEFAULT_TIMES = { heartbeatIntervalMs: 3000, leaseMs: 15_000, graceMs: 900_000 };
const FLUSH_INTERVAL_MS = 100;
const GENERATIONS_MAX = 4;
const DEVICE_UNUSABLE: readonly string[] = ['RUNTIME.DEVICE_LOST', 'AGENT.GPU_THREAD_SILENT'];
const EXIT_DELAY_MS = 500;

type Welcomed = Pick<agentV1.Welcome, 'heartbeatIntervalMs' | 'leaseMs' | 'graceMs'>;

/** The daemon: one queue and one loop, which alone changes the agent's state. */
export class Agent {
  private readonly queue = new EventQueue<AgentEvent>();
  private readonly outbox = new Outbox();
  private readonly session: SessionClient;
  private readonly heartbeat: Heartbeat;
  private readonly flushing: Heartbeat;
  /** At most one attempt uses the device; an ended one stays until the API has said that it knows. */
  private attempt: Attempt | undefined;
  /** Resolves when no attempt that is over holds the device any more. */
  private deviceFree: Promise<void> = Promise.resolve();
  private readonly generations = new Set<Generation>();
  /** Measures layers, and uses the device only while nothing else does. */
  private profiling: LayerProfiling | undefined;
  /** Whether something ran that may have left blocks in the cache. */
  private cacheUsed = false;
  private readonly fences = new Map<string, number>();
  private readonly commands: CommandAnswers;
  private times: Welcomed = DEFAULT_TIMES;
  /** When the API last said anything: a session that is open but unanswered is as good as no session. */
  private heardMs: number;
  private heartbeatSequence = 0;

  constructor(private readonly options: AgentOptions) {
    const { dialer, clock, random } = options;
    this.heardMs = clock.monotonicMs();
    this.session = new SessionClient({
      dialer,
      clock,
      random,
      register: () => ({ ...options.identity, running: this.running(), takesParts: true }),
      onEvent: (event) => this.queue.push({ type: 'session', event }),
    });
    this.commands = new CommandAnswers({
      send: (body) => this.send(body),
      onDone: (commandId) => this.queue.push({ type: 'stopped', commandId }),
      logger: options.logger,
    });
    this.heartbeat = new Heartbeat(clock, (latenessMs) => this.queue.push({ type: 'heartbeat', latenessMs }));
    this.flushing = new Heartbeat(clock, () => this.queue.push({ type: 'flush' }));
  }

  /** Runs until a signal or a lost device ends it; resolves with the exit code. */
  async run(): Promise<number> {
    this.heartbeat.start(this.times.heartbeatIntervalMs);
    this.flushing.start(FLUSH_INTERVAL_MS);
    this.session.start();
    this.options.telemetry.start((sample) => this.queue.push({ type: 'telemetry', sample }));
    for await (const event of this.queue) {
      const exitCode = this.handle(event);
      this.clearCacheWhenIdle();
      if (exitCode !== undefined) return this.leave(exitCode);
    }
    return 0;
  }

  signal(name: string): void {
    this.queue.push({ type: 'signal', name });
  }

  /** The agent's table of contents: each event and what deals with it. A number ends the loop, as the exit code. */
  private handle(event: AgentEvent): number | undefined {
    switch (event.type) {
      case 'session':
        return this.onSession(event.event);
      case 'attempt':
        return this.onAttempt(event.attempt, event.event);
      case 'generation':
        if (event.event.type === 'worker') this.leaveIfUnusable(event.event.message);
        event.generation.handle(event.event);
        if (event.generation.isOver) this.generations.delete(event.generation);
        return undefined;
      case 'profiling':
        this.leaveIfUnusable(event.message);
        event.profiling.handle(event.message);
        return event.profiling.isOver ? this.endProfiling(event.profiling) : undefined;
      case 'heartbeat':
        return this.onHeartbeat(event.latenessMs);
      case 'telemetry':
        // A sample that cannot be sent now is dropped: it is of no use later.
        this.send({ $case: 'telemetry', value: event.sample });
        return undefined;
      case 'flush':
        return this.flush();
      case 'stopped':
        return this.commands.answer(event.commandId);
      case 'exit':
        return event.code;
      case 'signal':
        this.options.logger.info({ signal: event.name }, 'this agent was asked to leave, and ends what it does');
        this.attempt?.fail(agentStopping());
        this.flush();
        return 0;
      default:
        return event satisfies never;
    }
  }

  private onSession(event: SessionEvent): number | undefined {
    switch (event.type) {
      case 'opened':
        return this.onWelcome(event.welcome);
      case 'message':
        return this.onMessage(event.body);
      case 'closed': {
        const reason = event.error === undefined ? 'the API ended it' : describeError(event.error);
        this.options.logger.warn({ final: event.final }, `the session with the API has ended: ${reason}`);
        return event.final ? 1 : undefined;
      }
      default:
        return event satisfies never;
    }
  }

  private onWelcome(welcome: agentV1.Welcome): undefined {
    this.options.logger.info({ session: welcome.epoch }, 'the API took this agent in');
    if (welcome.sharesDeviceWith.length > 0)
      this.options.logger.warn({}, sharedDevice(this.options.identity.adapter, welcome.sharesDeviceWith));
    this.heardMs = this.options.clock.monotonicMs();
    this.times = welcome;
    this.heartbeat.start(welcome.heartbeatIntervalMs);
    this.dropSuperseded(welcome.current);
    this.outbox.welcome(welcome);
    this.flush();
    this.attempt?.reportAgain();
    this.attempt?.settle();
  }

  private onMessage(body: ApiMessageBody): undefined {
    this.heardMs = this.options.clock.monotonicMs();
    switch (body.$case) {
      case 'heartbeatAck':
        return this.dropSuperseded(body.value.current);
      case 'ack':
        this.outbox.acknowledge(body.value);
        this.flush();
        this.attempt?.settle();
        return;
      case 'startAttempt':
        return this.commands.execute(body.value.commandId, () => this.startAttempt(body.value));
      case 'stopAttempt':
        return this.commands.execute(body.value.commandId, () => this.stopAttempt(body.value));
      case 'requestBoundary':
        return this.commands.execute(body.value.commandId, () => this.requestBoundary(body.value));
      case 'generate':
        return this.commands.execute(body.value.commandId, () => this.generate(body.value));
      case 'measureLayers':
        return this.commands.execute(body.value.commandId, () => this.measureLayers(body.value));
      case 'welcome':
        return;
      default:
        return body satisfies never;
    }
  }

  private onAttempt(attempt: Attempt, event: AttemptEvent): undefined {
    attempt.handle(event);
    if (event.type === 'worker') this.leaveIfUnusable(event.message);
    this.flush();
  }

  /** Only a new process can use the device again. What is still to be sent, such as the failure, goes out meanwhile. */
  private leaveIfUnusable(message: FromWorker): void {
    if (message.type !== 'failed' || !DEVICE_UNUSABLE.includes(message.error.code)) return;
    this.commands.close();
    this.options.clock.after(EXIT_DELAY_MS, () => this.queue.push({ type: 'exit', code: 1 }));
  }

  private onHeartbeat(latenessMs: number): undefined {
    const value = { sequence: ++this.heartbeatSequence, running: this.running(), latenessMs };
    this.send({ $case: 'heartbeat', value });
    const nowMs = this.options.clock.monotonicMs();
    // This process stood still: what the API said meanwhile lies unread, so that its silence is not counted.
    if (latenessMs > LATE_MS) this.heardMs = nowMs;
    if (nowMs - this.heardMs > this.times.graceMs && this.attempt?.isOver === false)
      this.attempt.fail(apiAway(this.times.graceMs));
  }

  private flush(): undefined {
    if (!this.session.isOpen) return;
    for (const body of this.outbox.take()) this.send(body);
  }

  /** Sends a message. One that the API refuses for its length is dropped: the next session would refuse it too. */
  private send(body: AgentMessageBody): void {
    const error = this.session.send(body);
    if (error === undefined) return;
    this.options.logger.error({ code: error.code }, `a message is dropped: ${error.message}`);
    if (body.$case !== 'checkpoint') return;
    this.outbox.giveUp(body.value);
    const { attempt } = this;
    // Without its checkpoints a run would only seem to make progress, so that the attempt fails.
    if (attempt?.runId === body.value.runId && attempt.fence === body.value.fence)
      this.queue.push({ type: 'attempt', attempt, event: { type: 'failed', error } });
  }

  private startAttempt({ runId, fence, planJson, dataCredential }: agentV1.StartAttempt): AppError | undefined {
    const current = this.fences.get(runId) ?? 0;
    if (fence < current) return fenceTooOld(runId, fence, current);
    if (this.attempt?.runId === runId && this.attempt.fence === fence) {
      this.attempt.reportAgain();
      return undefined;
    }
    const parsed = attemptPlanSchema.safeParse(parseJson(planJson));
    if (!parsed.success) return planInvalid(parsed.error.message);
    const unsafe = credentialRefusal(parsed.data.peers, dataCredential);
    if (unsafe !== undefined) return unsafe;
    // The API gave this device to another attempt: the one that used it is over.
    const previous = this.attempt;
    previous?.fail(superseded(previous.runId, previous.fence));
    const { device, dataPlane, startThread, cache, blobs, clock, random, logger } = this.options;
    const attempt: Attempt = new Attempt({
      plan: parsed.data,
      credential: dataCredential,
      leaseMs: this.times.leaseMs,
      graceMs: this.times.graceMs,
      device,
      dataPlane,
      startThread,
      cache,
      blobs,
      clock,
      random,
      logger,
      outbox: this.outbox,
      send: (body) => this.send(body),
      onEvent: (event) => this.queue.push({ type: 'attempt', attempt, event }),
    });
    this.attempt = attempt;
    this.fences.set(runId, fence);
    this.endProfiling();
    attempt.begin(previous === undefined ? this.deviceFree : this.vacate(previous, 'superseded'));
    return undefined;
  }

  private stopAttempt({ runId, fence, reason }: agentV1.StopAttempt): AppError | Promise<void> {
    const { attempt } = this;
    if (attempt?.runId !== runId || attempt.fence !== fence) return attemptUnknown(runId, fence);
    this.options.logger.info({ runId, fence, reason }, 'the API stopped the attempt');
    this.attempt = undefined;
    // Points of the steps that were done belong to the run, and are still sent. This resolves when the device is free.
    return this.vacate(attempt, reason);
  }

  private requestBoundary({ runId, fence, commandId: _, ...wishes }: agentV1.RequestBoundary): AppError | undefined {
    const { attempt } = this;
    if (attempt?.runId !== runId || attempt.fence !== fence || attempt.isOver) return attemptUnknown(runId, fence);
    attempt.askBoundary(wishes);
    return undefined;
  }

  private generate({ planJson, dataCredential }: agentV1.Generate): AppError | undefined {
    const parsed = generatePlanSchema.safeParse(parseJson(planJson));
    if (!parsed.success) return planInvalid(parsed.error.message);
    const unsafe = credentialRefusal(parsed.data.peers, dataCredential);
    if (unsafe !== undefined) return unsafe;
    if (this.generations.size >= GENERATIONS_MAX) return agentBusy(`${this.generations.size} generations run here`);
    const { device, dataPlane, startThread, cache, clock } = this.options;
    const generation: Generation = new Generation({
      lendDevice: () => this.attempt?.lendDevice() ?? Promise.resolve(FREE_TURN),
      plan: parsed.data,
      credential: dataCredential,
      device,
      dataPlane,
      startThread,
      cache,
      clock,
      send: (body: AgentMessageBody) => this.send(body),
      onEvent: (event) => this.queue.push({ type: 'generation', generation, event }),
    });
    this.generations.add(generation);
    return undefined;
  }

  private measureLayers({ commandId, workJson }: agentV1.MeasureLayers): AppError | undefined {
    const parsed = layerWorkSchema.safeParse(parseJson(workJson));
    if (!parsed.success) return planInvalid(parsed.error.message);
    if (this.attempt?.isOver === false || this.generations.size > 0 || this.profiling !== undefined)
      return agentBusy('layers are measured on an idle device');
    const { device, startThread, clock } = this.options;
    const profiling: LayerProfiling = new LayerProfiling({
      ...{ commandId, work: parsed.data, device, startThread, clock },
      send: (body) => this.send(body),
      onMessage: (message) => this.queue.push({ type: 'profiling', profiling, message }),
    });
    this.profiling = profiling;
    profiling.begin(this.deviceFree);
    return undefined;
  }

  /** The profiling has told its result, or something else needs the device. */
  private endProfiling(profiling = this.profiling): undefined {
    if (profiling === undefined || profiling !== this.profiling) return;
    this.profiling = undefined;
    const ended = profiling.end(agentBusy('the device was wanted'));
    this.deviceFree = Promise.allSettled([this.deviceFree, ended]).then(() => undefined);
  }

  /** The attempt that this agent believes it may execute; the API answers with the fences in force. */
  private running(): agentV1.RunningAttempt[] {
    const { attempt } = this;
    if (attempt === undefined) return [];
    const { runId, fence, step, threadSilentMs } = attempt;
    return [{ runId, fence, step, threadSilentMs }];
  }

  private dropSuperseded(current: readonly agentV1.RunningAttempt[]): undefined {
    const { attempt } = this;
    const found = current.find(({ runId }) => runId === attempt?.runId);
    if (attempt === undefined || found === undefined || found.fence <= attempt.fence) return;
    if (!attempt.isOver) attempt.fail(superseded(attempt.runId, attempt.fence));
    this.attempt = undefined;
    void this.vacate(attempt, 'superseded');
  }

  /** Ends the attempt. The next attempt starts its thread only when this one's thread has ended. */
  private vacate(attempt: Attempt, reason: string): Promise<void> {
    this.deviceFree = Promise.allSettled([this.deviceFree, attempt.end(reason)]).then(() => undefined);
    return this.deviceFree;
  }

  /** Blocks are needed only while weights are loaded; if they were kept, every checkpoint would add to the disk. */
  private clearCacheWhenIdle(): void {
    const busy = this.attempt?.isOver === false || this.generations.size > 0;
    if (!busy && this.cacheUsed) void this.options.cache.clearBlocks();
    this.cacheUsed = busy;
  }

  private async leave(exitCode: number): Promise<number> {
    this.heartbeat.stop();
    this.flushing.stop();
    this.endProfiling();
    this.options.telemetry.stop();
    await Promise.all([
      this.deviceFree,
      this.attempt?.end('the agent leaves'),
      ...[...this.generations].map((each) => each.end('the agent leaves')),
    ]);
    this.session.stop();
    return exitCode;
  }
}
