import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { traceIdOf } from '../src/ground/tracing/run-spans';
import { eventually } from './api-under-test';
import { FakeAgent } from './fake-agent';
import { createDataset, RunningApi, runSpec, START_MS_MAX } from './running-api';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

/** A collector that takes OTLP as JSON. */
class Collector {
  readonly spans: Span[] = [];
  readonly paths = new Set<string | undefined>();
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    this.paths.add(request.url);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
        resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
      };
      this.spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describe('traces', () => {
  const collector = new Collector();
  let api: RunningApi;
  let agent: FakeAgent;
  beforeAll(async () => {
    api = await RunningApi.start({ OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start() });
    await createDataset(api);
    const { address } = api.application.get(GrpcServer, { strict: false });
    agent = await new FakeAgent({ id: 'agent_a', grpc: address, token: api.token }).connect();
  }, START_MS_MAX);
  afterAll(async () => {
    agent.disconnect();
    await api.stop();
    collector.stop();
  }, START_MS_MAX);

  it('go from the submission of a run over its attempts and states to its steps', async () => {
    const { id } = (await (await api.post('/runs', runSpec({ parallel: { pp: 1 } }))).json()) as { id: string };
    const attempt = await agent.attempt(id);
    agent.begin(attempt);
    const spans = [{ action: '0F0', startMs: Date.now() - 20, endMs: Date.now() - 5, cause: 'compute' }];
    const told = { spans, sent: [], countedMs: 0 };
    agent.send({ $case: 'trace', value: { runId: id, fence: attempt.fence, rank: 0, step: 1, ...told } });
    await eventually('running', async () => {
      return ((await (await api.call(`/runs/${id}`)).json()) as { state: string }).state === 'running';
    });
    await api.post(`/runs/${id}:cancel`, '');
    await agent.take('stopAttempt', ({ runId }) => runId === id);
    const root = await eventually('the run in the collector', () => collector.spans.find(({ name }) => name === 'run'));
    expect([...collector.paths]).toEqual(['/v1/traces']);
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(id)]));
    const named = (name: string): Span => {
      const found = collector.spans.filter((span) => span.name === name);
      expect({ name, count: found.length }).toEqual({ name, count: 1 });
      return found[0]!;
    };
    expect(root.parentSpanId ?? '').toBe('');
    for (const name of ['submit', 'attempt', 'run queued']) expect(named(name).parentSpanId).toBe(root.spanId);
    for (const name of ['step', 'run scheduled', 'run running'])
      expect(named(name).parentSpanId).toBe(named('attempt').spanId);
    expect(BigInt(named('run queued').endTimeUnixNano)).toBe(BigInt(named('run scheduled').startTimeUnixNano));
    expect(BigInt(root.endTimeUnixNano)).toBeGreaterThan(BigInt(root.startTimeUnixNano));
  });
});
