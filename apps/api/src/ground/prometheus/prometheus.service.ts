import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { Gauge, Histogram, Registry } from 'prom-client';
import { AdmissionMetrics } from './admission-metrics';

const NANOSECONDS = 1e9;
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAG_HELP = 'Delay of the event loop since the last scrape';
type Lag = keyof Pick<IntervalHistogram, 'mean' | 'max'> | 'p50' | 'p99';

/**
 * What `/metrics` tells: only metrics of our own, named by Prometheus' rules (base units, no id of a run or a user).
 */
@Injectable()
export class PrometheusService implements OnModuleDestroy {
  readonly registry = new Registry();
  readonly admission = new AdmissionMetrics(this.registry);
  private readonly collectors: (() => Promise<void>)[] = [];
  private readonly loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
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
  /** Named as prom-client's default metrics are, which dashboards know; not all of those pass promtool. */
  private readonly lag: Readonly<Record<Lag, Gauge>> = {
    mean: this.gauge('nodejs_eventloop_lag_mean_seconds', `${LAG_HELP}, mean.`),
    p50: this.gauge('nodejs_eventloop_lag_p50_seconds', `${LAG_HELP}, median.`),
    p99: this.gauge('nodejs_eventloop_lag_p99_seconds', `${LAG_HELP}, 99th percentile.`),
    max: this.gauge('nodejs_eventloop_lag_max_seconds', `${LAG_HELP}, largest.`),
  };
  private readonly memory = this.gauge('process_resident_memory_bytes', 'Resident memory of the API process.');

  constructor() {
    this.loopDelay.enable();
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  /** `collect` sets gauges anew before each scrape. */
  beforeScrape(collect: () => Promise<void>): void {
    this.collectors.push(collect);
  }

  async text(): Promise<string> {
    await Promise.all(this.collectors.map((collect) => collect()));
    this.memory.set(process.memoryUsage.rss());
    const { mean, max } = this.loopDelay;
    // Before the first measurement the histogram's mean is no number.
    this.lag.mean.set(Number.isFinite(mean) ? mean / NANOSECONDS : 0);
    this.lag.max.set(max / NANOSECONDS);
    this.lag.p50.set(this.loopDelay.percentile(50) / NANOSECONDS);
    this.lag.p99.set(this.loopDelay.percentile(99) / NANOSECONDS);
    this.loopDelay.reset();
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
    // What an agent says of itself: a number that is none would spoil the sum for good.
    if (Number.isFinite(latenessMs) && latenessMs >= 0) this.lateness.observe(latenessMs / 1000);
  }

  onModuleDestroy(): void {
    this.loopDelay.disable();
  }

  gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
