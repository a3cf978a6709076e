import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Gauge, Histogram, type Registry } from 'prom-client';

/** How often a timer checks whether the event loop is in time. */
export const LOOP_TURN_MS = 20;
/** The gauges show the last minute in several windows; the oldest one is dropped when a new one begins. */
const WINDOW_MS = 10_000;
const WINDOWS = 6;
const MICROSECONDS = 1e6;
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAG_HELP = 'Delay of the event loop in the last minute';

export interface LoopDelayOptions {
  readonly registry: Registry;
  /** A monotonic clock. */
  readonly nowMs: () => number;
  /**
   * For how long the thread has been on a processor, counted from any moment; undefined if the system does not tell.
   */
  readonly processorMs: () => number | undefined;
}

interface Seen {
  readonly atMs: number;
  readonly processorMs: number | undefined;
}

/**
 * Measures how late the event loop runs a timer. The histograms grow for ever and the gauges look back for a minute, so
 * that one reader does not change what another one sees.
 */
export class LoopDelay {
  private readonly delays: Histogram;
  private readonly ownDelays: Histogram;
  private readonly gauges: Readonly<Record<'mean' | 'p50' | 'p99' | 'max', Gauge>>;
  /** Windows in microseconds; the newest is the last. */
  private readonly windows: RecordableHistogram[] = [createHistogram()];
  private windowEndMs: number;
  private seen: Seen;

  constructor(private readonly options: LoopDelayOptions) {
    const registers = [options.registry];
    const histogram = (name: string, help: string): Histogram =>
      new Histogram({ name, help, buckets: BUCKETS, registers });
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help: `${LAG_HELP}, ${help}`, registers });
    this.delays = histogram(
      'millrace_event_loop_delay_seconds',
      `How late the event loop came to a timer that is due every ${LOOP_TURN_MS} ms.`,
    );
    this.ownDelays = histogram(
      'millrace_event_loop_own_delay_seconds',
      'The part of it in which the thread was on a processor: the rest is the machine or its disk being busy.',
    );
    // Named like prom-client's default metrics, which dashboards know; not all of those pass promtool.
    this.gauges = {
      mean: gauge('nodejs_eventloop_lag_mean_seconds', 'mean.'),
      p50: gauge('nodejs_eventloop_lag_p50_seconds', 'median.'),
      p99: gauge('nodejs_eventloop_lag_p99_seconds', '99th percentile.'),
      max: gauge('nodejs_eventloop_lag_max_seconds', 'largest.'),
    };
    this.seen = this.look();
    this.windowEndMs = this.seen.atMs + WINDOW_MS;
  }

  /** Must be called by a timer every LOOP_TURN_MS. */
  turn(): void {
    const { atMs, processorMs: before = 0 } = this.seen;
    this.seen = this.look();
    const { processorMs = Infinity } = this.seen;
    const lateMs = Math.max(0, this.seen.atMs - atMs - LOOP_TURN_MS);
    const ownMs = Math.min(lateMs, processorMs - before);
    this.delays.observe(lateMs / 1000);
    this.ownDelays.observe(ownMs / 1000);
    this.beginWindows();
    // Such a histogram does not accept zero.
    this.windows.at(-1)!.record(Math.max(1, Math.round(lateMs * 1000)));
  }

  /** Must be called before the registry is read. */
  collect(): void {
    const minute = createHistogram();
    for (const window of this.windows) minute.add(window);
    if (minute.count === 0) return;
    this.gauges.mean.set(minute.mean / MICROSECONDS);
    this.gauges.p50.set(minute.percentile(50) / MICROSECONDS);
    this.gauges.p99.set(minute.percentile(99) / MICROSECONDS);
    this.gauges.max.set(minute.max / MICROSECONDS);
  }

  private beginWindows(): void {
    const { atMs } = this.seen;
    if (atMs < this.windowEndMs) return;
    this.windowEndMs = atMs + WINDOW_MS;
    this.windows.push(createHistogram());
    if (this.windows.length > WINDOWS) this.windows.shift();
  }

  private look(): Seen {
    return { atMs: this.options.nowMs(), processorMs: this.options.processorMs() };
  }
}
