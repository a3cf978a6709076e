import { credentials, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { agentV1, PartJoiner } from '@millrace/contracts';

type Stream = ClientDuplexStream<agentV1.AgentMessage, agentV1.ApiMessage>;
type Outgoing = NonNullable<agentV1.AgentMessage['body']>;

export interface SimulatedAgentsOptions {
  readonly grpc: string;
  readonly token: string;
  readonly count: number;
  readonly heartbeatMs: number;
}

/** Sessions of agents that register, beat, say what layers take, accept every attempt and train nothing. */
export class SimulatedAgents {
  private readonly client: agentV1.AgentServiceClient;
  private readonly agents: SimulatedAgent[];

  constructor(options: SimulatedAgentsOptions) {
    this.client = new agentV1.AgentServiceClient(options.grpc, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${options.token}`);
    this.agents = Array.from(
      { length: options.count },
      (_, number) => new SimulatedAgent(this.client.session(metadata), number, options.heartbeatMs),
    );
  }

  /** Resolves when all were welcomed. */
  async connected(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.welcomed));
  }

  stop(): void {
    for (const agent of this.agents) agent.stop();
    this.client.close();
  }
}

class SimulatedAgent {
  readonly welcomed: Promise<void>;
  private running: agentV1.RunningAttempt[] = [];
  private sequence = 0;
  private readonly parts = new PartJoiner();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(
    private readonly stream: Stream,
    private readonly number: number,
    heartbeatMs: number,
  ) {
    this.welcomed = new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', (message: agentV1.ApiMessage) => {
        const body = this.whole(message);
        if (body?.$case === 'welcome') resolve();
        else if (body !== undefined) this.receive(body);
      });
    });
    // What fails later ends the measurement by itself.
    this.welcomed.catch(() => undefined);
    this.send({ $case: 'register', value: this.registration() });
    this.heartbeat = setInterval(() => {
      const { running } = this;
      this.send({ $case: 'heartbeat', value: { sequence: ++this.sequence, running, latenessMs: 0 } });
    }, heartbeatMs);
  }

  stop(): void {
    clearInterval(this.heartbeat);
    this.stream.cancel();
  }

  /** The message, or the one that this part completes; undefined while parts are missing. */
  private whole({ body }: agentV1.ApiMessage): agentV1.ApiMessage['body'] {
    if (body?.$case !== 'part') return body;
    const encoded = this.parts.add(body.value);
    return encoded && agentV1.ApiMessage.decode(encoded).body;
  }

  private receive(body: NonNullable<agentV1.ApiMessage['body']>): void {
    if (body.$case === 'startAttempt') {
      const { runId, fence } = body.value;
      this.running = [{ runId, fence, step: 0, threadSilentMs: 0 }];
    }
    if (body.$case === 'stopAttempt') this.running = [];
    if (body.$case === 'measureLayers') this.tellLayers(body.value.commandId);
    else if ('value' in body && 'commandId' in body.value) this.accept(body.value.commandId);
  }

  private accept(commandId: string): void {
    this.send({ $case: 'commandResult', value: { commandId, ok: true, errorCode: '', errorMessage: '' } });
  }

  private tellLayers(commandId: string): void {
    this.accept(commandId);
    // No two devices are alike, which is the most work for a planner.
    const seconds = (F: number): agentV1.LayerSeconds => ({
      forward: F * (1 + this.number / 100),
      backwardInput: F,
      backwardWeight: F,
    });
    const value = { commandId, embedding: seconds(0.001), block: seconds(0.01), head: seconds(0.02), errorMessage: '' };
    this.send({ $case: 'layerProfile', value });
  }

  private send(body: Outgoing): void {
    this.stream.write({ body });
  }

  private registration(): agentV1.Register {
    const { number } = this;
    return {
      agentId: `agent_simulated${number}`,
      host: `host-${number >> 3}`,
      device: number % 8,
      version: '0',
      dataAddress: `127.0.0.1:${number + 1}`,
      labels: {},
      running: [],
      takesParts: true,
      adapter: {
        ...{
          vendor: 'simulated',
          architecture: '',
          device: `kind ${number % 8}`,
          description: '',
          adapterClass: 'cpu',
        },
        ...{ features: [], limits: {}, memoryBytes: 0, quarantined: [], uuid: '', pciAddress: '', deviceProof: '' },
      },
      benchmark: { matmulGflops: 10 + (number % 8), memoryGbps: 100 },
    };
  }
}
