import {
  agentSchema,
  checkpointSchema,
  datasetSchema,
  eventSchema,
  generatedSchema,
  generateRequestSchema,
  listOf,
  logLineSchema,
  metricPageSchema,
  planSchema,
  runSchema,
  runSpecSchema,
  submittedSchema,
  telemetrySeriesSchema,
  timelineSchema,
} from '@millrace/contracts';
import { z } from 'zod';
import { pageQuerySchema } from '../boundary/http/parse-query';
import { importQuerySchema } from '../checkpoints/checkpoints.controller';
import { DATASET_TYPES, newDatasetQuerySchema } from '../datasets/datasets.controller';
import { logQuerySchema } from '../logs/logs.controller';
import { metricQuerySchema } from '../metrics/metrics.controller';
import { submitQuerySchema } from '../runs/runs.controller';
import { runListQuerySchema } from '../runs/runs.service';
import { telemetryQuerySchema } from '../telemetry/telemetry.controller';
import { timelineQuerySchema } from '../timeline/timeline.controller';

export interface RouteDescription {
  /** `GET /api/v1/runs/{id}` */
  readonly route: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  /** Content types of the body; with a schema for documents, bytes without. */
  readonly body?: { readonly types: readonly string[]; readonly schema?: z.ZodType };
  readonly status: number;
  readonly answer?: { readonly type: string; readonly schema?: z.ZodType };
  /** Another status on request. */
  readonly otherwise?: { readonly status: number; readonly schema: z.ZodType };
  readonly public?: true;
}

const json = (schema: z.ZodType): { type: string; schema: z.ZodType } => ({ type: 'application/json', schema });
const DOCUMENT_TYPES = ['application/json', 'application/yaml'];
const importedSchema = z.object({ id: z.string() });
const statusSchema = z.object({ status: z.string() });
const readySchema = statusSchema.extend({ checks: z.record(z.string(), z.string()) });
const SSE = 'text/event-stream';

const submitted = (action: string, summary: string): RouteDescription => ({
  route: `POST /api/v1/runs/{id}:${action}`,
  summary,
  status: 202,
  answer: json(submittedSchema),
});

/** Every route of the application; a test compares it with the router. */
export const ROUTES: readonly RouteDescription[] = [
  { route: 'GET /healthz', summary: 'The process answers', status: 200, answer: json(statusSchema), public: true },
  {
    route: 'GET /readyz',
    summary: 'Database and queue answer; 503 otherwise',
    status: 200,
    answer: json(readySchema),
    public: true,
  },
  { route: 'GET /metrics', summary: 'For Prometheus', status: 200, answer: { type: 'text/plain' }, public: true },
  {
    route: 'GET /api/openapi.json',
    summary: 'This document',
    status: 200,
    answer: json(z.record(z.string(), z.unknown())),
    public: true,
  },
  {
    route: 'POST /api/v1/datasets',
    summary: 'Upload a corpus, or tokens (which take no tokenizer)',
    query: newDatasetQuerySchema,
    body: { types: DATASET_TYPES },
    status: 201,
    answer: json(datasetSchema),
  },
  {
    route: 'GET /api/v1/datasets',
    summary: 'Datasets, newest first',
    query: pageQuerySchema,
    status: 200,
    answer: json(listOf(datasetSchema)),
  },
  { route: 'GET /api/v1/datasets/{id}', summary: 'A dataset', status: 200, answer: json(datasetSchema) },
  { route: 'DELETE /api/v1/datasets/{id}', summary: 'Delete a dataset that no run reads', status: 204 },
  {
    route: 'POST /api/v1/runs',
    summary: 'Submit a run, or plan it with dryRun=true',
    query: submitQuerySchema,
    body: { types: DOCUMENT_TYPES, schema: runSpecSchema },
    status: 201,
    answer: json(submittedSchema),
    otherwise: { status: 200, schema: planSchema },
  },
  {
    route: 'GET /api/v1/runs',
    summary: 'Runs, newest first',
    query: runListQuerySchema,
    status: 200,
    answer: json(listOf(runSchema)),
  },
  { route: 'GET /api/v1/runs/{id}', summary: 'A run with its attempts', status: 200, answer: json(runSchema) },
  { route: 'DELETE /api/v1/runs/{id}', summary: 'Delete a run that is over', status: 204 },
  submitted('cancel', 'Cancel a run'),
  submitted('pause', 'Take a checkpoint and release the devices'),
  submitted('resume', 'Queue a paused run again'),
  submitted('checkpoint', 'Take a checkpoint at the next step'),
  {
    route: 'GET /api/v1/runs/{id}/events',
    summary: 'Events of a run as they happen; Last-Event-ID replays',
    status: 200,
    answer: { type: SSE, schema: eventSchema },
  },
  {
    route: 'GET /api/v1/events',
    summary: 'All events as they happen; Last-Event-ID replays',
    status: 200,
    answer: { type: SSE, schema: eventSchema },
  },
  {
    route: 'GET /api/v1/runs/{id}/logs',
    summary: 'Log lines in order; with Accept: text/event-stream followed',
    query: logQuerySchema,
    status: 200,
    answer: json(listOf(logLineSchema)),
  },
  {
    route: 'GET /api/v1/runs/{id}/metrics',
    summary: 'Points of one metric, ascending by step, one per step',
    query: metricQuerySchema,
    status: 200,
    answer: json(metricPageSchema),
  },
  {
    route: 'GET /api/v1/runs/{id}/timeline',
    summary: 'What was executed in the last traced steps, above what was planned: a Chrome trace, or format=json',
    query: timelineQuerySchema,
    status: 200,
    answer: json(z.union([timelineSchema, z.record(z.string(), z.unknown())])),
  },
  {
    route: 'GET /api/v1/runs/{id}/checkpoints',
    summary: 'Durable checkpoints, newest first',
    query: pageQuerySchema,
    status: 200,
    answer: json(listOf(checkpointSchema)),
  },
  {
    route: 'POST /api/v1/checkpoints:import',
    summary: 'Import GPT-2 weights saved by Hugging Face as safetensors',
    query: importQuerySchema,
    body: { types: ['application/octet-stream'] },
    status: 201,
    answer: json(importedSchema),
  },
  { route: 'GET /api/v1/checkpoints/{id}', summary: 'A checkpoint', status: 200, answer: json(checkpointSchema) },
  {
    route: 'GET /api/v1/checkpoints/{id}/model.safetensors',
    summary: 'The model with Hugging Face names',
    status: 200,
    answer: { type: 'application/octet-stream' },
  },
  { route: 'DELETE /api/v1/checkpoints/{id}', summary: 'Delete a checkpoint that no live run needs', status: 204 },
  {
    route: 'POST /api/v1/checkpoints/{id}:generate',
    summary: 'Text from the model',
    body: { types: DOCUMENT_TYPES, schema: generateRequestSchema },
    status: 200,
    answer: json(generatedSchema),
  },
  {
    route: 'GET /api/v1/agents',
    summary: 'Agents',
    query: pageQuerySchema,
    status: 200,
    answer: json(listOf(agentSchema)),
  },
  { route: 'GET /api/v1/agents/{id}', summary: 'An agent', status: 200, answer: json(agentSchema) },
  {
    route: 'GET /api/v1/agents/{id}/telemetry',
    summary: 'What the device did in the last hours, as means of equal parts of the time asked for',
    query: telemetryQuerySchema,
    status: 200,
    answer: json(telemetrySeriesSchema),
  },
  {
    route: 'POST /api/v1/agents/{id}:drain',
    summary: 'Give the agent no new work and move its own elsewhere',
    status: 200,
    answer: json(agentSchema),
  },
  {
    route: 'POST /api/v1/agents/{id}:undrain',
    summary: 'Give the agent work again',
    status: 200,
    answer: json(agentSchema),
  },
];
