import type { RunState } from '@millrace/core';
import type {
  BriefRunBody,
  AgentBody,
  CheckpointBody,
  DatasetBody,
  DatasetPreviewBody,
  EventBody,
  GenerateRequest,
  GeneratedBody,
  LogLineBody,
  MetricPage,
  OverviewBody,
  Page,
  PlanBody,
  ListedRunBody,
  RunBody,
  RunSpecInput,
  SeriesBody,
  SubmittedBody,
  TelemetrySeriesBody,
  TimelineBody,
} from '@millrace/contracts';
import { AccountsClient } from './accounts-client';
import type { PageQuery } from './all-pages';
import { ApiConnection, type ConnectionOptions, type RequestBody } from './api-connection';

export type RunAction = 'cancel' | 'pause' | 'resume' | 'checkpoint';

export interface SeriesQuery {
  readonly names?: readonly string[];
  /** The most buckets to return. */
  readonly points?: number;
  /** The first and the last step, both inclusive. */
  readonly from?: number;
  readonly to?: number;
}

export interface RunQuery extends PageQuery {
  readonly state?: RunState;
  /** Words, each of which is in the run's name, id, project or reason. */
  readonly search?: string;
}

export interface DatasetUpload {
  readonly name: string;
  /** The tokenizer: byte, char or gpt2; left out for `application/x-tokens-u16`. */
  readonly tokenizer?: string;
  readonly contentType: string;
  readonly body: RequestBody;
}

const at = (collection: string, id: string): string => `/${collection}/${encodeURIComponent(id)}`;

/** Typed client of the REST API: one method per call of docs/openapi.json. Throws `AppError`s with the API's codes. */
export class MillraceClient {
  private readonly connection: ApiConnection;
  /** Calls about sessions, users, tokens, projects and the audit. */
  readonly accounts: AccountsClient;

  constructor(options: ConnectionOptions) {
    this.connection = new ApiConnection(options);
    this.accounts = new AccountsClient(this.connection);
  }

  /** Submits a run. A string is sent as YAML (which JSON is a part of), an object as JSON. */
  submitRun(spec: RunSpecInput | string): Promise<SubmittedBody> {
    return this.connection.json('/runs', this.specCall(spec));
  }

  planRun(spec: RunSpecInput | string): Promise<PlanBody> {
    return this.connection.json('/runs', { ...this.specCall(spec), query: { dryRun: true } });
  }

  runs(query: RunQuery = {}): Promise<Page<ListedRunBody>> {
    return this.connection.json('/runs', { query: { ...query } });
  }

  /** The same list without specs and attempts, which are most of its size. */
  briefRuns(query: RunQuery = {}): Promise<Page<BriefRunBody>> {
    return this.connection.json('/runs', { query: { ...query, view: 'brief' } });
  }

  run(id: string): Promise<RunBody> {
    return this.connection.json(at('runs', id));
  }

  actOnRun(id: string, action: RunAction): Promise<SubmittedBody> {
    return this.connection.json(`${at('runs', id)}:${action}`, { method: 'POST' });
  }

  deleteRun(id: string): Promise<void> {
    return this.connection.nothing(at('runs', id), { method: 'DELETE' });
  }

  metrics(id: string, name: string, query: PageQuery = {}): Promise<MetricPage> {
    return this.connection.json(`${at('runs', id)}/metrics`, { query: { name, ...query } });
  }

  /** What was executed in the newest `steps` traced steps, and what was planned; without `steps`, all that are kept. */
  timeline(id: string, query: { readonly steps?: number } = {}): Promise<TimelineBody> {
    return this.connection.json(`${at('runs', id)}/timeline`, { query: { format: 'json', ...query } });
  }

  /** Log lines in order; `after` is the id of the last one seen. */
  logs(id: string, query: PageQuery & { readonly after?: string } = {}): Promise<Page<LogLineBody>> {
    return this.connection.json(`${at('runs', id)}/logs`, { query: { ...query } });
  }

  /** Events of a run as they happen, beginning after `lastEventId`. */
  async *runEvents(
    id: string,
    options: { lastEventId?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<EventBody> {
    for await (const event of this.connection.events(`${at('runs', id)}/events`, options)) {
      yield JSON.parse(event.data) as EventBody;
    }
  }

  checkpoints(runId: string, query: PageQuery = {}): Promise<Page<CheckpointBody>> {
    return this.connection.json(`${at('runs', runId)}/checkpoints`, { query: { ...query } });
  }

  /** The model of a checkpoint as a safetensors file with Hugging Face names. */
  exportModel(checkpointId: string): Promise<ReadableStream<Uint8Array>> {
    return this.connection.bytes(`${at('checkpoints', checkpointId)}/model.safetensors`);
  }

  /**
   * Imports a Hugging Face safetensors file as a checkpoint. Generating needs `heads`, which the file does not tell.
   */
  importModel(body: RequestBody, query: { readonly heads?: number } = {}): Promise<{ id: string }> {
    return this.connection.json('/checkpoints:import', {
      method: 'POST',
      query,
      contentType: 'application/octet-stream',
      body,
    });
  }

  generate(checkpointId: string, request: Partial<GenerateRequest> & { prompt: string }): Promise<GeneratedBody> {
    const body = JSON.stringify(request);
    return this.connection.json(`${at('checkpoints', checkpointId)}:generate`, {
      method: 'POST',
      contentType: 'application/json',
      body,
    });
  }

  agents(query: PageQuery = {}): Promise<Page<AgentBody>> {
    return this.connection.json('/agents', { query: { ...query } });
  }

  /** What the agent's device did. Times are in ISO 8601; the last hours are kept. */
  agentTelemetry(
    id: string,
    query: { readonly from?: string; readonly to?: string; readonly points?: number } = {},
  ): Promise<TelemetrySeriesBody> {
    return this.connection.json(`${at('agents', id)}/telemetry`, { query: { ...query } });
  }

  drainAgent(id: string, drain: boolean): Promise<AgentBody> {
    return this.connection.json(`${at('agents', id)}:${drain ? 'drain' : 'undrain'}`, { method: 'POST' });
  }

  datasets(query: PageQuery = {}): Promise<Page<DatasetBody>> {
    return this.connection.json('/datasets', { query: { ...query } });
  }

  dataset(id: string): Promise<DatasetBody> {
    return this.connection.json(at('datasets', id));
  }

  createDataset({ name, tokenizer, contentType, body }: DatasetUpload): Promise<DatasetBody> {
    return this.connection.json('/datasets', { method: 'POST', query: { name, tokenizer }, contentType, body });
  }

  deleteDataset(id: string): Promise<void> {
    return this.connection.nothing(at('datasets', id), { method: 'DELETE' });
  }

  /** Metrics for charts: every point, or so many buckets of steps as are asked for. */
  series(id: string, query: SeriesQuery = {}): Promise<SeriesBody> {
    const { names, ...rest } = query;
    return this.connection.json(`${at('runs', id)}/series`, { query: { ...rest, names: names?.join(',') } });
  }

  overview(): Promise<OverviewBody> {
    return this.connection.json('/overview');
  }

  previewDataset(id: string, query: { offset?: number; tokens?: number } = {}): Promise<DatasetPreviewBody> {
    return this.connection.json(`${at('datasets', id)}/preview`, { query });
  }

  agent(id: string): Promise<AgentBody> {
    return this.connection.json(at('agents', id));
  }

  private specCall(spec: RunSpecInput | string): { method: 'POST'; contentType: string; body: string } {
    return typeof spec === 'string'
      ? { method: 'POST', contentType: 'application/yaml', body: spec }
      : { method: 'POST', contentType: 'application/json', body: JSON.stringify(spec) };
  }
}
