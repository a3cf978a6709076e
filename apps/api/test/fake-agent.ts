import { createHash } from 'node:crypto';
import { type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  agentV1,
  type AttemptPlan,
  attemptPlanSchema,
  blobV1,
  type LayerTimes,
  messageParts,
  PART_BYTES,
  PartJoiner,
} from '@millrace/contracts';
import { ownedParameters } from '@millrace/model';
import { eventually, TOKEN } from './api-under-test';

type Outgoing = Exclude<NonNullable<agentV1.AgentMessage['body']>, { $case: 'part' }>;
type Incoming = Exclude<NonNullable<agentV1.ApiMessage['body']>, { $case: 'part' }>;
type ValueOf<C extends Incoming['$case']> = Extract<Incoming, { $case: C }>['value'] & object;
type Stream = ClientDuplexStream<agentV1.AgentMessage, agentV1.ApiMessage>;

export interface FakeAgentOptions {
  readonly id: string;
  readonly grpc: string;
  readonly token?: string;
  readonly heartbeatMs?: number;
  /** On this machine if not given. */
  readonly dataAddress?: string;
  /** Of its start-up benchmark; 10 if not given. */
  readonly matmulGflops?: number;
  /** Agents that describe their adapter differently are of different kinds. */
  readonly description?: string;
  /** Whether it is of a version that knows messages in parts. */
  readonly takesParts?: boolean;
  /** What it says that a model's layers take; without them it refuses to measure. */
  readonly layers?: LayerTimes;
  /** What else it says of its adapter. */
  readonly adapter?: Partial<agentV1.Adapter>;
}

/** Before it layers may be measured; a busy machine takes its time for both. */
const START_MS_MAX = 40_000;

export interface Attempt {
  readonly runId: string;
  readonly fence: number;
  readonly plan: AttemptPlan;
}

/** Speaks the real protocol, and trains nothing: the test says what it reports. */
export class FakeAgent {
  readonly received: Incoming[] = [];
  /** What it says it runs in heartbeats and registrations. */
  running: agentV1.RunningAttempt[] = [];
  /** Whether it answers commands by itself. */
  answers = true;
  /** False: it has heard of no attempt, as far as the API can tell. */
  takesStarts = true;
  error: ServiceError | undefined;
  private stream: Stream | undefined;
  private client: agentV1.AgentServiceClient | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private heartbeatSequence = 0;
  private metricSequence = 0;
  private checkpointSequence = 0;

  constructor(private options: FakeAgentOptions) {}

  get id(): string {
    return this.options.id;
  }

  async connect(grpc = this.options.grpc): Promise<this> {
    this.options = { ...this.options, grpc };
    this.error = undefined;
    this.received.length = 0;
    this.client = new agentV1.AgentServiceClient(grpc, credentials.createInsecure());
    const stream = this.client.session(bearer(this.options.token ?? TOKEN));
    this.stream = stream;
    const joiner = new PartJoiner();
    stream.on('data', ({ body }: agentV1.ApiMessage) => {
      const encoded = body?.$case === 'part' ? joiner.add(body.value) : undefined;
      const whole = body?.$case === 'part' ? encoded && agentV1.ApiMessage.decode(encoded).body : body;
      if (whole && whole.$case !== 'part') this.receive(whole);
    });
    stream.on('error', (error: ServiceError) => {
      if (this.stream === stream) this.error = error;
    });
    this.send({ $case: 'register', value: this.registration() });
    await this.take('welcome');
    this.beat();
    return this;
  }

  /** Heartbeats go on by themselves, as the agent's own timer makes them. */
  beat(): void {
    clearInterval(this.heartbeat);
    this.heartbeat = setInterval(() => {
      this.heartbeatSequence++;
      this.send({
        $case: 'heartbeat',
        value: { sequence: this.heartbeatSequence, running: this.running, latenessMs: 0 },
      });
    }, this.options.heartbeatMs ?? 200);
  }

  /** As if the process were stopped: the connection stays, and nothing is said. */
  freeze(): void {
    clearInterval(this.heartbeat);
  }

  disconnect(): void {
    clearInterval(this.heartbeat);
    const { stream, client } = this;
    this.stream = undefined;
    stream?.on('error', () => undefined);
    stream?.cancel();
    client?.close();
  }

  send(body: Outgoing): void {
    const encoded = agentV1.AgentMessage.encode({ body }).finish();
    if (encoded.length <= PART_BYTES) return void this.stream?.write({ body });
    for (const value of messageParts(encoded)) this.stream?.write({ body: { $case: 'part', value } });
  }

  /** The newest message of a kind, once there is one that passes. */
  take<C extends Incoming['$case']>(
    kind: C,
    test: (value: ValueOf<C>) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<ValueOf<C>> {
    const find = (): ValueOf<C> | undefined => {
      if (this.error) throw this.error;
      const values = this.received
        .filter(({ $case }) => $case === kind)
        .map(({ value }) => value as unknown as ValueOf<C>);
      return values.findLast(test);
    };
    return eventually<ValueOf<C>>(`${this.id} receives ${kind}`, find, timeoutMs);
  }

  async attempt(runId: string, afterFence = 0): Promise<Attempt> {
    const ofRun = (value: agentV1.StartAttempt): boolean => value.runId === runId && value.fence > afterFence;
    const start = await this.take('startAttempt', ofRun, START_MS_MAX);
    const plan = attemptPlanSchema.parse(JSON.parse(start.planJson));
    return { runId, fence: start.fence, plan };
  }

  report(
    { runId, fence }: Pick<Attempt, 'runId' | 'fence'>,
    state: string,
    more: Partial<agentV1.AttemptReport> = {},
  ): void {
    const value = {
      runId,
      fence,
      state,
      step: 0,
      failureClass: '',
      errorCode: '',
      errorMessage: '',
      culpritRank: -1,
      phase: '',
      ...more,
    };
    this.send({ $case: 'attempt', value });
  }

  /** Starts and runs: what an agent reports until its first step. */
  begin(attempt: Attempt): void {
    for (const state of ['starting', 'ready', 'running']) this.report(attempt, state, { step: attempt.plan.firstStep });
  }

  metrics(
    { runId, fence }: Pick<Attempt, 'runId' | 'fence'>,
    points: Record<string, [step: number, value: number]>,
    sequence?: number,
  ): number {
    const value = {
      sequence: sequence ?? ++this.metricSequence,
      runId,
      fence,
      points: Object.entries(points).map(([name, [step, point]]) => ({ name, step, value: point, timeMs: Date.now() })),
    };
    this.send({ $case: 'metrics', value });
    return value.sequence;
  }

  /** Uploads a made-up part of this rank, and reports it. @returns the report's sequence */
  async checkpoint({ runId, fence, plan }: Attempt, step: number): Promise<number> {
    const slice = plan.stages[plan.rank];
    const parameters = slice ? ownedParameters(plan.model, slice) : [];
    const tensors = [];
    for (const kind of ['weight', 'm', 'v']) {
      for (const { name, shape } of parameters) {
        const bytes = contentOf(`${runId} ${kind} ${name} ${step}`, shape);
        await this.put({ runId, fence }, bytes, { step });
        tensors.push({
          name,
          kind,
          dtype: 'f32',
          shape: [...shape],
          blocks: [{ sha256: sha256(bytes), bytes: bytes.length }],
        });
      }
    }
    return this.reportStored({ runId, fence, plan }, step, tensors);
  }

  /** The same of a model of very many tensors, which all share one block. @returns the report's sequence */
  async checkpointOfMany(attempt: Attempt, step: number): Promise<number> {
    const { plan } = attempt;
    const own = ownedParameters(plan.model, plan.stages[plan.rank]!);
    const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 4);
    const offsetMax = 4000;
    const block = Buffer.alloc(Math.max(...own.map(({ shape }) => sizeOf(shape))) + offsetMax, 1);
    await this.put(attempt, block);
    const blockSha256 = sha256(block);
    const tensors = ['weight', 'm', 'v'].flatMap((kind) =>
      own.map(({ name, shape }, index) => {
        const blocks = [{ sha256: blockSha256, bytes: sizeOf(shape), offset: 4 * (1 + (index % (offsetMax / 4))) }];
        return { name, kind, dtype: 'f32', shape: [...shape], blocks };
      }),
    );
    return this.reportStored(attempt, step, tensors);
  }

  private reportStored({ runId, fence, plan }: Attempt, step: number, tensors: readonly object[]): number {
    const sequence = ++this.checkpointSequence;
    const manifestPartJson = JSON.stringify({ tensors });
    const rank = { runId, fence, step, rank: plan.rank, sequence };
    const value = { ...rank, state: 'stored', manifestPartJson, errorMessage: '' };
    this.send({ $case: 'checkpoint', value });
    return sequence;
  }

  /** Reports that its part could not be stored. @returns the report's sequence */
  checkpointFailed({ runId, fence, plan }: Attempt, step: number, errorMessage: string): number {
    const sequence = ++this.checkpointSequence;
    const report = {
      runId,
      fence,
      step,
      rank: plan.rank,
      state: 'failed',
      manifestPartJson: '',
      errorMessage,
      sequence,
    };
    this.send({ $case: 'checkpoint', value: report });
    return sequence;
  }

  /** @throws ServiceError */
  put(
    { runId, fence }: Pick<Attempt, 'runId' | 'fence'>,
    bytes: Buffer,
    claimed: Partial<blobV1.PutHeader> = {},
  ): Promise<blobV1.PutResponse> {
    return new Promise((resolve, reject) => {
      const client = new blobV1.BlobServiceClient(this.options.grpc, credentials.createInsecure());
      const call = client.put(bearer(this.options.token ?? TOKEN), (error, response) => {
        client.close();
        if (error) reject(error);
        else resolve(response);
      });
      call.write({
        body: {
          $case: 'header',
          value: { sha256: sha256(bytes), bytes: bytes.length, runId, fence, step: 0, ...claimed },
        },
      });
      for (let offset = 0; offset < bytes.length; offset += 1 << 20) {
        call.write({ body: { $case: 'data', value: bytes.subarray(offset, offset + (1 << 20)) } });
      }
      call.end();
    });
  }

  get(sha: string, offset = 0, length = 0): Promise<{ bytes: Buffer; pieces: number[]; totalBytes: number }> {
    return new Promise((resolve, reject) => {
      const client = new blobV1.BlobServiceClient(this.options.grpc, credentials.createInsecure());
      const pieces: Buffer[] = [];
      let totalBytes = 0;
      const call = client.get({ sha256: sha, offset, length }, bearer(this.options.token ?? TOKEN));
      call.on('data', (message: blobV1.GetResponse) => {
        totalBytes ||= message.totalBytes;
        pieces.push(message.data);
      });
      call.on('error', reject);
      call.on('end', () => {
        client.close();
        resolve({ bytes: Buffer.concat(pieces), pieces: pieces.map((piece) => piece.length), totalBytes });
      });
    });
  }

  private receive(body: Incoming): void {
    this.received.push(body);
    if (!this.answers) return;
    if (body.$case === 'startAttempt') {
      if (!this.takesStarts) return;
      this.running = [{ runId: body.value.runId, fence: body.value.fence, step: 0, threadSilentMs: 0 }];
      this.answer(body.value.commandId);
    } else if (body.$case === 'stopAttempt') {
      this.running = this.running.filter(
        ({ runId, fence }) => runId !== body.value.runId || fence !== body.value.fence,
      );
      this.answer(body.value.commandId);
    } else if (body.$case === 'requestBoundary') {
      this.answer(body.value.commandId);
    } else if (body.$case === 'measureLayers') this.tellLayers(body.value.commandId);
  }

  private tellLayers(commandId: string): void {
    const { layers } = this.options;
    if (layers === undefined) return this.answer(commandId, { code: 'AGENT.BUSY', message: 'does not measure' });
    this.answer(commandId);
    const seconds = ({ F, I, W }: LayerTimes['block']): agentV1.LayerSeconds => ({
      forward: F,
      backwardInput: I,
      backwardWeight: W,
    });
    const [embedding, block, head] = [seconds(layers.embedding), seconds(layers.block), seconds(layers.head)];
    this.send({ $case: 'layerProfile', value: { commandId, embedding, block, head, errorMessage: '' } });
  }

  /** Spans of one step of its rank, as long as the times say, one after the other. */
  trace({ runId, fence, plan }: Attempt, step: number, times: LayerTimes['block']): void {
    const spans: agentV1.TraceSpan[] = [];
    let startMs = Date.now();
    for (let microBatch = 0; microBatch < 2; microBatch++) {
      for (const kind of ['F', 'I', 'W'] as const) {
        const endMs = startMs + times[kind] * 1000;
        spans.push({ action: `${plan.rank}${kind}${microBatch}`, cause: 'compute', startMs, endMs });
        startMs = endMs;
      }
    }
    this.send({ $case: 'trace', value: { runId, fence, rank: plan.rank, step, spans, sent: [], countedMs: 0 } });
  }

  answer(commandId: string, refusal?: { code: string; message: string }): void {
    const value = {
      commandId,
      ok: refusal === undefined,
      errorCode: refusal?.code ?? '',
      errorMessage: refusal?.message ?? '',
    };
    this.send({ $case: 'commandResult', value });
  }

  private registration(): agentV1.Register {
    return {
      agentId: this.options.id,
      host: 'host-1',
      device: 0,
      version: '0',
      dataAddress: this.options.dataAddress ?? '127.0.0.1:9',
      labels: {},
      running: this.running,
      takesParts: this.options.takesParts ?? true,
      adapter: {
        vendor: 'test',
        architecture: '',
        device: 'fake',
        description: this.options.description ?? '',
        adapterClass: 'cpu',
        features: [],
        limits: {},
        memoryBytes: 0,
        quarantined: [],
        uuid: '',
        pciAddress: '',
        deviceProof: '',
        ...this.options.adapter,
      },
      benchmark: { matmulGflops: this.options.matmulGflops ?? 10, memoryGbps: 10_000 },
    };
  }
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function contentOf(text: string, shape: readonly number[]): Buffer {
  const length = shape.reduce((product, extent) => product * extent, 4);
  return Buffer.alloc(length, createHash('sha256').update(text).digest());
}
