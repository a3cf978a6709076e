import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { type Clock, describeError, isFinal, type Logger, type RunState, within } from '@millrace/core';
import { ApiConfig } from '../config/api-config';
import { CLOCK, LOGGER } from '../config/api-logger';
import { API_VERSION } from '../database/api-version';
import { type EventRow, EventsRepository } from '../events/events.repository';
import { runSpans, ROOT_KEY, type StateChange, stepSpan } from './run-spans';
import type { SpanSink } from './span-sink';

/** After this time, a transaction that ended a run has been committed. */
const SETTLE_MS = 1_000;
const EVENTS_MAX = 10_000;
const FLUSH_MS_MAX = 1_500;

interface StateData {
  readonly state: RunState;
  readonly fence: number;
  readonly reason: { readonly code: string } | null;
}

/** OpenTelemetry traces, one per run, from its submission to its steps. Does nothing unless an endpoint is set. */
@Injectable()
export class RunTracingService implements OnApplicationBootstrap, OnModuleDestroy {
  private sink: SpanSink | undefined;

  constructor(
    private readonly config: ApiConfig,
    private readonly events: EventsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { otlpEndpoint } = this.config;
    if (otlpEndpoint === undefined) return;
    const { openOtlpSink } = await import('./otlp-sink.js');
    this.sink = openOtlpSink(otlpEndpoint, API_VERSION);
    this.logger.info({}, 'runs are traced');
  }

  async onModuleDestroy(): Promise<void> {
    // A collector that does not answer must not hold up the end.
    const work = this.sink?.close().catch((error: unknown) => this.complain(error));
    if (work !== undefined) await within(this.clock, FLUSH_MS_MAX, { work, late: () => undefined });
  }

  /**
   * Called when the API begins to check a spec; the function that it returns is called when the spec is stored as a
   * run.
   */
  submitting(): (runId: string) => void {
    const startMs = this.clock.now();
    return (runId) => {
      const times = { startMs, endMs: this.clock.now() };
      this.sink?.add({
        runId,
        key: 'submit',
        parent: ROOT_KEY,
        name: 'submit',
        ...times,
        attributes: {},
        failed: false,
      });
    };
  }

  traced(batch: agentV1.TraceBatch): void {
    if (this.sink === undefined) return;
    const span = stepSpan(batch);
    if (span !== undefined) this.sink.add(span);
  }

  /**
   * Called when a run reaches a final state in a transaction that may still fail: the events will show whether it did.
   */
  ending(runId: string): void {
    if (this.sink === undefined) return;
    this.clock.after(SETTLE_MS, () => {
      this.tellRun(runId).catch((error: unknown) => this.complain(error));
    });
  }

  private async tellRun(runId: string): Promise<void> {
    const rows = await this.events.range({ runId, after: 0n, limit: EVENTS_MAX });
    const changes = rows.filter(({ type }) => type === 'run.state').map(stateChange);
    // A deleted run's events remain; a run whose end was rolled back is not over, and gives no spans.
    const end = changes.findIndex(({ state }) => isFinal(state));
    for (const span of runSpans(runId, changes.slice(0, end + 1))) this.sink?.add(span);
  }

  private complain(error: unknown): void {
    this.logger.warn({ reason: describeError(error) }, 'a run could not be traced');
  }
}

function stateChange({ time, data }: EventRow): StateChange {
  const { state, fence, reason } = data as unknown as StateData;
  return { timeMs: time.getTime(), state, fence, reason: reason?.code };
}
