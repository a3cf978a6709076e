import { Counter, Histogram, type Registry } from 'prom-client';
import { BoundedLabel } from './bounded-label';

const ATTEMPT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** A wait for devices lasts from a moment to days. */
const WAIT_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200];

/** Metrics about runs on their way to devices and off them, named after Kueue's metrics of workloads. */
export class AdmissionMetrics {
  private readonly queues = new BoundedLabel();
  private readonly reasons = new BoundedLabel();
  private readonly attempts: Histogram<'result'>;
  private readonly waits: Histogram<'queue'>;
  private readonly evicted: Counter<'reason'>;
  private readonly leasesLost: Counter;

  constructor(register: Registry) {
    const registers = [register];
    this.attempts = new Histogram({
      name: 'millrace_admission_attempt_duration_seconds',
      help: 'Time it took to place a run on devices; result "dropped": somebody else was first.',
      labelNames: ['result'],
      buckets: ATTEMPT_BUCKETS,
      registers,
    });
    this.waits = new Histogram({
      name: 'millrace_admission_wait_time_seconds',
      help: 'Time from the submission of a run to its first placement.',
      labelNames: ['queue'],
      buckets: WAIT_BUCKETS,
      registers,
    });
    this.evicted = new Counter({
      name: 'millrace_evicted_workloads_total',
      help: 'Runs that had to leave their devices and wait for others, by the code of the reason.',
      labelNames: ['reason'],
      registers,
    });
    this.leasesLost = new Counter({
      name: 'millrace_leases_lost_total',
      help: 'Leases that ran out because nothing was heard from the agent.',
      registers,
    });
    for (const result of ['success', 'dropped']) this.attempts.zero({ result });
  }

  attempted(placed: boolean, durationMs: number): void {
    this.attempts.observe({ result: placed ? 'success' : 'dropped' }, durationMs / 1000);
  }

  admitted(queue: string, waitMs: number): void {
    this.waits.observe({ queue: this.queues.of(queue) }, Math.max(0, waitMs) / 1000);
  }

  wasEvicted(reason: string): void {
    this.evicted.inc({ reason: this.reasons.of(reason) });
  }

  lostLeases(count: number): void {
    this.leasesLost.inc(count);
  }
}
