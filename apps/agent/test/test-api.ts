import { createHash } from 'node:crypto';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { agentV1, blobV1, messageParts, PART_BYTES, PartJoiner } from '@millrace/contracts';

type Call = ServerDuplexStream<agentV1.AgentMessage, agentV1.ApiMessage>;
type AgentBody = Exclude<NonNullable<agentV1.AgentMessage['body']>, { $case: 'part' }>;
type Of<K extends AgentBody['$case']> = Extract<AgentBody, { $case: K }>['value'];

/** An API in memory: keeps what agents send, acknowledges it, and says what the test wants said. */
export class TestApi {
  readonly blobs = new Map<string, Buffer>();
  readonly points = new Map<string, Map<number, number>>();
  readonly lines: agentV1.LogLine[] = [];
  readonly received: { agentId: string; body: AgentBody }[] = [];
  /** Open sessions by agent. */
  readonly sessions = new Map<string, Call>();
  /** The fence in force of each run; blocks and points of others are refused. */
  readonly fences = new Map<string, number>();
  readonly sequences = new Map<string, number>();
  epochs = 0;
  acknowledging = true;
  /** False: it takes everything, and says nothing. */
  answering = true;
  putError: { code: status; details: string } | undefined;
  graceMs = 60_000;
  /** Whether it is of a version that knows messages in parts. */
  takesParts = true;
  sharesDeviceWith: string[] = [];
  port = 0;
  private server = new Server();

  async start(port = 0): Promise<string> {
    this.server = new Server();
    this.server.addService(agentV1.AgentServiceService, { session: (call: Call) => this.session(call) });
    this.server.addService(blobV1.BlobServiceService, {
      get: (call: Parameters<blobV1.BlobServiceServer['get']>[0]) => {
        const blob = this.blobs.get(call.request.sha256);
        if (blob === undefined) return void call.emit('error', { code: status.NOT_FOUND, details: 'no such blob' });
        call.write({ data: blob.subarray(call.request.offset), totalBytes: blob.length });
        call.end();
      },
      put: (
        call: Parameters<blobV1.BlobServiceServer['put']>[0],
        callback: Parameters<blobV1.BlobServiceServer['put']>[1],
      ) => this.put(call, callback),
    });
    this.port = await new Promise((resolve, reject) => {
      this.server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return `127.0.0.1:${this.port}`;
  }

  stop(): void {
    this.server.forceShutdown();
    this.sessions.clear();
  }

  send(agentId: string, body: NonNullable<agentV1.ApiMessage['body']>): void {
    const encoded = agentV1.ApiMessage.encode({ body }).finish();
    const session = this.sessions.get(agentId);
    if (encoded.length <= PART_BYTES) return void session?.write({ body });
    for (const value of messageParts(encoded)) session?.write({ body: { $case: 'part', value } });
  }

  of<K extends AgentBody['$case']>(kind: K, agentId?: string): Of<K>[] {
    return this.received
      .filter((each) => each.body.$case === kind && (agentId === undefined || each.agentId === agentId))
      .map(({ body }) => body.value as Of<K>);
  }

  states(agentId: string): string[] {
    const states = this.of('attempt', agentId).map(({ state }) => state);
    // A start that lasts is told again with each phase.
    return states.filter((state, index) => state !== states[index - 1]);
  }

  private session(call: Call): void {
    let agentId = '';
    const joiner = new PartJoiner();
    call.on('data', ({ body: given }: agentV1.AgentMessage) => {
      const encoded = given?.$case === 'part' ? joiner.add(given.value) : undefined;
      const body = given?.$case === 'part' ? encoded && agentV1.AgentMessage.decode(encoded).body : given;
      if (body === undefined || body.$case === 'part') return;
      if (body.$case === 'register') agentId = body.value.agentId;
      this.received.push({ agentId, body });
      if (this.answering) this.answer(call, agentId, body);
    });
    call.on('error', () => undefined);
    call.on('end', () => call.end());
  }

  private answer(call: Call, agentId: string, body: AgentBody): void {
    const ack = (change: Partial<agentV1.Acknowledgement>): void => {
      if (this.acknowledging)
        call.write({ body: { $case: 'ack', value: { metrics: 0, logs: 0, checkpoints: 0, ...change } } });
    };
    if (body.$case === 'register') {
      if (call.metadata.get('authorization')[0] !== 'Bearer good')
        return void call.emit('error', { code: status.UNAUTHENTICATED, details: 'wrong token' });
      this.sessions.set(agentId, call);
      const value = {
        agentId,
        epoch: ++this.epochs,
        heartbeatIntervalMs: 50,
        leaseMs: 2000,
        graceMs: this.graceMs,
        metricsAcknowledged: this.sequences.get(`${agentId} metrics`) ?? 0,
        logsAcknowledged: this.sequences.get(`${agentId} logs`) ?? 0,
        current: this.current(body.value.running),
        takesParts: this.takesParts,
        sharesDeviceWith: this.sharesDeviceWith,
      };
      call.write({ body: { $case: 'welcome', value } });
    } else if (body.$case === 'heartbeat') {
      call.write({
        body: {
          $case: 'heartbeatAck',
          value: { sequence: body.value.sequence, current: this.current(body.value.running) },
        },
      });
    } else if (body.$case === 'metrics' && this.acknowledging) {
      this.sequences.set(`${agentId} metrics`, body.value.sequence);
      this.store(body.value);
      ack({ metrics: body.value.sequence });
    } else if (body.$case === 'logs' && this.acknowledging) {
      this.sequences.set(`${agentId} logs`, body.value.sequence);
      this.lines.push(...body.value.lines);
      ack({ logs: body.value.sequence });
    } else if (body.$case === 'checkpoint') {
      ack({ checkpoints: body.value.sequence });
    }
  }

  private store({ runId, fence, points }: agentV1.MetricBatch): void {
    if ((this.fences.get(runId) ?? fence) !== fence) return;
    for (const { name, step, value } of points) {
      const series = this.points.get(name) ?? new Map<number, number>();
      this.points.set(name, series.set(step, value));
    }
  }

  private current(running: agentV1.RunningAttempt[]): agentV1.RunningAttempt[] {
    return running.map((each) => ({ ...each, fence: this.fences.get(each.runId) ?? each.fence }));
  }

  private put(
    call: Parameters<blobV1.BlobServiceServer['put']>[0],
    callback: Parameters<blobV1.BlobServiceServer['put']>[1],
  ): void {
    let header: blobV1.PutHeader | undefined;
    const parts: Buffer[] = [];
    call.on('data', ({ body }: blobV1.PutRequest) => {
      if (body?.$case === 'header') header = body.value;
      if (body?.$case === 'data') parts.push(Buffer.from(body.value));
    });
    call.on('end', () => {
      const bytes = Buffer.concat(parts);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (this.putError !== undefined) return callback(this.putError);
      if (header === undefined || header.fence !== (this.fences.get(header.runId) ?? header.fence))
        return callback({ code: status.ABORTED, details: 'old fence' });
      if (sha256 !== header.sha256) return callback({ code: status.INVALID_ARGUMENT, details: 'wrong hash' });
      this.blobs.set(sha256, bytes);
      callback(null, { existed: false });
    });
  }
}
