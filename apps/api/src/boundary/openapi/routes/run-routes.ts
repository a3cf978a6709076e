import {
  briefRunSchema,
  checkpointSchema,
  eventSchema,
  listOf,
  logLineSchema,
  metricPageSchema,
  planSchema,
  listedRunSchema,
  runSchema,
  runSpecSchema,
  seriesSchema,
  submittedSchema,
  timelineSchema,
} from '@millrace/contracts';
import { z } from 'zod';
import { pageQuerySchema } from '../../../ground/http/parse-query';
import { logQuerySchema } from '../../../requests/runs/logs.controller';
import { metricQuerySchema, seriesQuerySchema } from '../../../requests/runs/metrics.controller';
import { runsQuerySchema, submitQuerySchema } from '../../../requests/runs/runs.controller';
import { timelineQuerySchema } from '../../../live/timeline/timeline.controller';
import { EXAMPLES } from '../examples';
import { DOCUMENT_TYPES, json, pageOf, type RouteDescription, SSE, VIEWER } from '../route-description';

const STEERS = ['member', 'runs'] as const;

const action = (name: string, summary: string): RouteDescription => ({
  route: `POST /api/v1/runs/{id}:${name}`,
  id: `${name}Run`,
  tag: 'runs',
  summary,
  status: 202,
  answer: json(submittedSchema, EXAMPLES.submitted),
  access: STEERS,
  conflicts: true,
});

export const RUN_ROUTES: readonly RouteDescription[] = [
  {
    route: 'POST /api/v1/runs',
    id: 'submitRun',
    tag: 'runs',
    summary: 'Submit a run, or plan it with dryRun=true',
    query: submitQuerySchema,
    body: { types: DOCUMENT_TYPES, schema: runSpecSchema, example: EXAMPLES.runSpec },
    status: 201,
    answer: json(submittedSchema, EXAMPLES.submitted),
    otherwise: { status: 200, summary: 'The plan', ...json(planSchema, EXAMPLES.plan) },
    access: STEERS,
    conflicts: true,
  },
  {
    route: 'GET /api/v1/runs',
    id: 'listRuns',
    tag: 'runs',
    summary: 'Runs, newest first',
    query: runsQuerySchema,
    status: 200,
    answer: json(listOf(z.union([listedRunSchema, briefRunSchema])), pageOf(EXAMPLES.listedRun)),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/runs/{id}',
    id: 'getRun',
    tag: 'runs',
    summary: 'A run with its attempts',
    status: 200,
    answer: json(runSchema, EXAMPLES.run),
    access: VIEWER,
  },
  {
    route: 'DELETE /api/v1/runs/{id}',
    id: 'deleteRun',
    tag: 'runs',
    summary: 'Delete a run that is over',
    status: 204,
    access: STEERS,
    conflicts: true,
  },
  action('cancel', 'Cancel a run'),
  action('pause', 'Take a checkpoint and release the devices'),
  action('resume', 'Queue a paused run again'),
  action('checkpoint', 'Take a checkpoint at the next step'),
  {
    route: 'GET /api/v1/runs/{id}/events',
    id: 'streamRunEvents',
    tag: 'runs',
    summary: 'Events of a run as they happen; Last-Event-ID replays',
    status: 200,
    answer: { type: SSE, schema: eventSchema },
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/runs/{id}/logs',
    id: 'getRunLogs',
    tag: 'runs',
    summary: 'Log lines in order; with Accept: text/event-stream also new ones as they come',
    query: logQuerySchema,
    status: 200,
    answer: json(listOf(logLineSchema), pageOf(EXAMPLES.logLine)),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/runs/{id}/metrics',
    id: 'getRunMetrics',
    tag: 'runs',
    summary: 'Points of one metric, ascending by step, one per step',
    query: metricQuerySchema,
    status: 200,
    answer: json(metricPageSchema, EXAMPLES.metricPage),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/runs/{id}/series',
    id: 'getRunSeries',
    tag: 'runs',
    summary: 'Metrics for charts: every point, or as many buckets of steps as asked for',
    query: seriesQuerySchema,
    status: 200,
    answer: json(seriesSchema, EXAMPLES.series),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/runs/{id}/timeline',
    id: 'getRunTimeline',
    tag: 'runs',
    summary: 'The last traced steps as executed and as planned: a Chrome trace, or format=json',
    query: timelineQuerySchema,
    status: 200,
    answer: json(z.union([timelineSchema, z.record(z.string(), z.unknown())])),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/runs/{id}/checkpoints',
    id: 'listRunCheckpoints',
    tag: 'runs',
    summary: 'Durable checkpoints, newest first',
    query: pageQuerySchema,
    status: 200,
    answer: json(listOf(checkpointSchema), pageOf(EXAMPLES.checkpoint)),
    access: VIEWER,
  },
];
