import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type IdGenerator } from '@opentelemetry/sdk-trace-base';
import { type RunSpan, spanIdOf, traceIdOf } from './run-spans';
import type { SpanSink } from './span-sink';

/**
 * Gives a span the ids that were set for it: the SDK asks for them while it starts a span, which nothing can interrupt.
 */
class GivenIds implements IdGenerator {
  traceId = '';
  spanId = '';

  generateTraceId(): string {
    return this.traceId;
  }

  generateSpanId(): string {
    return this.spanId;
  }
}

/**
 * Sends spans in batches to an OpenTelemetry collector over HTTP; what does not fit into the queue is dropped. This
 * file is loaded only if an endpoint is set, so that nobody else pays for the SDK.
 */
export function openOtlpSink(endpoint: string, version: string): SpanSink {
  const ids = new GivenIds();
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'millrace-api', 'service.version': version }),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 1_000 })],
  });
  const tracer = provider.getTracer('millrace');
  return {
    add: (span) => {
      ids.traceId = traceIdOf(span.runId);
      ids.spanId = spanIdOf(span);
      const { name, startMs, endMs, attributes } = span;
      const options = { startTime: startMs, attributes: { ...attributes }, kind: SpanKind.INTERNAL };
      const started = tracer.startSpan(name, options, parentContext(span));
      if (span.failed) started.setStatus({ code: SpanStatusCode.ERROR });
      started.end(endMs);
    },
    close: () => provider.shutdown(),
  };
}

function parentContext({ runId, parent }: RunSpan): typeof ROOT_CONTEXT {
  if (parent === undefined) return ROOT_CONTEXT;
  const spanContext = {
    traceId: traceIdOf(runId),
    spanId: spanIdOf({ runId, key: parent }),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  };
  return trace.setSpanContext(ROOT_CONTEXT, spanContext);
}
