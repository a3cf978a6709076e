import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { Gauge, Histogram, Registry } from 'prom-client';
import { AdmissionMetrics } from './admission-metrics';
import { LOOP_TURN_MS, LoopDelay } from './loop-delay';
import { ProcessorTime } from './processor-time';

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * The content of `/metrics`: only metrics of our own, named by Prometheus's rules (base units, no id of a run or a
 * user).
 */
@Injectable()
export class PrometheusService implements OnModuleDestroy {
  readonly registry = new Registry();
  readonly admission = new AdmissionMetrics(this.registry);
  private readonly collectors: (() => Promise<void>)[] = [];
  private readonly processorTime = new ProcessorTime();
  private readonly loopDelay = new LoopDelay({
    registry: this.registry,
    nowMs: () => performance.now(),
    processorMs: () => this.processorTime.totalMs(),
  });
  private readonly loopTurns: NodeJS.Timeout;
  private readonly requests = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer; event streams left out.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [this.registry],
  });
  private readonly lateness = new Histogram({
    name: 'millrace_agent_heartbeat_lateness_seconds',
    help: 'How much later than due agents sent their heartbeats, by their own clocks.',
    buckets: BUCKETS,
    registers: [this.registry],
  });
  private readonly memory = this.gauge('process_resident_memory_bytes', 'Resident memory of the API process.');

  constructor() {
    this.loopTurns = setInterval(() => this.loopDelay.turn(), LOOP_TURN_MS).unref();
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  /** `collect` updates gauges before each scrape. */
  beforeScrape(collect: () => Promise<void>): void {
    this.collectors.push(collect);
  }

  async text(): Promise<string> {
    await Promise.all(this.collectors.map((collect) => collect()));
    this.memory.set(process.memoryUsage.rss());
    this.loopDelay.collect();
    return this.registry.metrics();
  }

  /** Express middleware that times requests under their route's pattern. */
  readonly observe = (request: Request, response: Response, next: NextFunction): void => {
    const stop = this.requests.startTimer();
    response.once('finish', () => {
      if (String(response.getHeader('content-type')).startsWith('text/event-stream')) return;
      const route = (request.route as { path?: string } | undefined)?.path ?? 'none';
      stop({ method: request.method, route, status: String(response.statusCode) });
    });
    next();
  };

  observeHeartbeat(latenessMs: number): void {
    // The value comes from an agent: if it were not a number, it would spoil the sum for good.
    if (Number.isFinite(latenessMs) && latenessMs >= 0) this.lateness.observe(latenessMs / 1000);
  }

  onModuleDestroy(): void {
    clearInterval(this.loopTurns);
    this.processorTime.close();
  }

  gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
