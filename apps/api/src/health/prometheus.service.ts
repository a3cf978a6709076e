import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { RUN_STATES } from '@millrace/contracts';
import type { NextFunction, Request, Response } from 'express';
import { Gauge, Histogram, Registry } from 'prom-client';
import { ClusterCountsRepository } from './cluster-counts.repository';

const NANOSECONDS = 1e9;
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * What `/metrics` tells: only metrics of our own, named by Prometheus' rules (base units, no id of a run or a user).
 */
@Injectable()
export class PrometheusService implements OnModuleDestroy {
  private readonly registry = new Registry();
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
  private readonly runs = this.gauge('millrace_runs', 'Runs by state.', ['state']);
  private readonly agents = this.gauge('millrace_agents', 'Agents that registered, by state.', ['state']);
  private readonly leases = this.gauge('millrace_leases', 'Devices that are leased to an attempt.');
  private readonly lag = this.gauge(
    'millrace_event_loop_delay_seconds',
    'Delay of the event loop since the last scrape.',
    ['quantile'],
  );
  private readonly memory = this.gauge('millrace_resident_memory_bytes', 'Resident memory of the API process.');

  constructor(private readonly counts: ClusterCountsRepository) {
    this.loopDelay.enable();
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  async text(): Promise<string> {
    const { runs, agents, leases } = await this.counts.read();
    for (const state of RUN_STATES) this.runs.set({ state }, runs.get(state) ?? 0);
    for (const [state, count] of agents) this.agents.set({ state }, count);
    this.leases.set(leases);
    this.memory.set(process.memoryUsage.rss());
    for (const quantile of [0.5, 0.99, 1]) {
      this.lag.set({ quantile: String(quantile) }, this.loopDelay.percentile(quantile * 100) / NANOSECONDS);
    }
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

  private gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
