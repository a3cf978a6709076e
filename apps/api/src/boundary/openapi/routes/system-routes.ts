import { agentSchema, listOf, overviewSchema, streamMessageSchema, telemetrySeriesSchema } from '@millrace/contracts';
import { z } from 'zod';
import { pageQuerySchema } from '../../../ground/http/parse-query';
import { eventQuerySchema } from '../../../live/streams/events.controller';
import { telemetryQuerySchema } from '../../../requests/agents/telemetry.controller';
import { EXAMPLES } from '../examples';
import { json, pageOf, type RouteDescription, SSE, VIEWER } from '../route-description';

const statusSchema = z.object({ status: z.string() });
const readySchema = statusSchema.extend({ checks: z.record(z.string(), z.enum(['ok', 'failing'])) });
const READY = { status: 'ok', checks: { database: 'ok', queue: 'ok' } };
const NOT_READY = { status: 'unavailable', checks: { database: 'failing', queue: 'ok' } };

const drain = (name: 'drain' | 'undrain', summary: string): RouteDescription => ({
  route: `POST /api/v1/agents/{id}:${name}`,
  id: `${name}Agent`,
  tag: 'agents',
  summary,
  status: 200,
  answer: json(agentSchema, EXAMPLES.agent),
  access: ['admin', 'agents'],
});

export const SYSTEM_ROUTES: readonly RouteDescription[] = [
  {
    route: 'GET /healthz',
    id: 'getHealth',
    tag: 'system',
    summary: 'Whether the process answers',
    status: 200,
    answer: json(statusSchema, { status: 'ok' }),
    access: null,
  },
  {
    route: 'GET /readyz',
    id: 'getReadiness',
    tag: 'system',
    summary: 'Whether database and queue answer',
    status: 200,
    answer: json(readySchema, READY),
    otherwise: { status: 503, summary: 'One of them does not answer', ...json(readySchema, NOT_READY) },
    access: null,
  },
  {
    route: 'GET /metrics',
    id: 'getPrometheusMetrics',
    tag: 'system',
    summary: 'Metrics for Prometheus',
    status: 200,
    answer: { type: 'text/plain' },
    access: null,
  },
  {
    route: 'GET /api/openapi.json',
    id: 'getOpenApi',
    tag: 'system',
    summary: 'This document',
    status: 200,
    answer: json(z.record(z.string(), z.unknown())),
    access: null,
  },
  {
    route: 'GET /api/docs',
    id: 'getDocs',
    tag: 'system',
    summary: 'This documentation as a page, on which calls can be tried out',
    status: 200,
    answer: { type: 'text/html' },
    access: null,
  },
  {
    route: 'GET /api/docs/{file}',
    id: 'getDocsFile',
    tag: 'system',
    summary: 'A file that this page loads',
    status: 200,
    answer: { type: 'text/javascript' },
    access: null,
  },
  {
    route: 'GET /api/v1/overview',
    id: 'getOverview',
    tag: 'system',
    summary: 'The cluster at a glance',
    status: 200,
    answer: json(overviewSchema, EXAMPLES.overview),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/events',
    id: 'streamEvents',
    tag: 'system',
    summary: 'Events as they happen, all or of some topics; Last-Event-ID replays',
    query: eventQuerySchema,
    status: 200,
    answer: { type: SSE, schema: streamMessageSchema },
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/agents',
    id: 'listAgents',
    tag: 'agents',
    summary: 'Agents',
    query: pageQuerySchema,
    status: 200,
    answer: json(listOf(agentSchema), pageOf(EXAMPLES.agent)),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/agents/{id}',
    id: 'getAgent',
    tag: 'agents',
    summary: 'An agent',
    status: 200,
    answer: json(agentSchema, EXAMPLES.agent),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/agents/{id}/telemetry',
    id: 'getAgentTelemetry',
    tag: 'agents',
    summary: 'What the device did in the last hours: means over equal parts of that time',
    query: telemetryQuerySchema,
    status: 200,
    answer: json(telemetrySeriesSchema, EXAMPLES.telemetry),
    access: VIEWER,
  },
  drain('drain', 'Give the agent no new work and move its own elsewhere'),
  drain('undrain', 'Give the agent work again'),
];
