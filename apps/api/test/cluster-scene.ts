import { startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type ApiOptions, type ApiUnderTest, startApi, temporaryHome } from './api-under-test';
import { FakeAgent, type FakeAgentOptions } from './fake-agent';
import { createDataset, DATASET_ID, tinySpec } from './run-specs';

/** For a database, an API and a gang beside others on a slow machine. */
export const SLOW_MS = 180_000;

export type SceneOptions = Omit<ApiOptions, 'databaseUrl' | 'home'>;

/** The control plane over a database of its own, with one dataset, and the agents that a test connects to it. */
export class ClusterScene {
  api!: ApiUnderTest;
  agents: FakeAgent[] = [];
  databaseUrl!: string;
  private postgres!: TemporaryPostgres;
  private temporary!: Awaited<ReturnType<typeof temporaryHome>>;
  private databaseCount = 0;

  constructor(private readonly options: SceneOptions) {}

  get home(): string {
    return this.temporary.path;
  }

  async prepare(): Promise<void> {
    this.postgres = await startTemporaryPostgres();
  }

  async begin(): Promise<void> {
    this.temporary = await temporaryHome();
    this.databaseUrl = await this.createDatabase();
    this.api = await this.startApi();
    await createDataset(this.api.prisma);
    this.agents = [];
  }

  /** Another API on the same database. */
  startApi(): Promise<ApiUnderTest> {
    return startApi({ databaseUrl: this.databaseUrl, home: this.home, ...this.options });
  }

  createDatabase(): Promise<string> {
    return this.postgres.createDatabase(`scene${this.databaseCount++}`);
  }

  /** An agent with a session, which ends with the test. */
  async connect(id: string, options: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> {
    const agent = new FakeAgent({ id, grpc: this.api.grpc, ...options });
    this.agents.push(agent);
    return agent.connect();
  }

  connectAll(...ids: string[]): Promise<FakeAgent[]> {
    return Promise.all(ids.map((id) => this.connect(id)));
  }

  /** What a run leaves that is over, without an attempt. */
  async createEndedRun(id: string): Promise<void> {
    const { name, project, queue, priority, ...spec } = tinySpec();
    const run = { id, name, project, queue, priority, state: 'succeeded', datasetId: DATASET_ID };
    await this.api.prisma.run.create({ data: { ...run, fence: 1, spec: { ...spec } } });
  }

  /** Agents go first, as with their machines. */
  disconnectAll(): void {
    for (const agent of this.agents) agent.disconnect();
  }

  async end(): Promise<void> {
    this.disconnectAll();
    await this.api.close();
    await this.temporary.remove();
  }

  async leave(): Promise<void> {
    await this.postgres.stop();
  }
}

/** A new one for each test of the suite that asks for it. */
export function clusterForEach(options: SceneOptions = {}): ClusterScene {
  const scene = new ClusterScene(options);
  beforeAll(() => scene.prepare(), SLOW_MS);
  afterAll(() => scene.leave(), SLOW_MS);
  beforeEach(() => scene.begin(), SLOW_MS);
  afterEach(() => scene.end(), SLOW_MS);
  return scene;
}

/** One for all tests of the suite. */
export function clusterForAll(options: SceneOptions = {}): ClusterScene {
  const scene = new ClusterScene(options);
  beforeAll(async () => {
    await scene.prepare();
    await scene.begin();
  }, SLOW_MS);
  afterAll(async () => {
    await scene.end();
    await scene.leave();
  }, SLOW_MS);
  return scene;
}
