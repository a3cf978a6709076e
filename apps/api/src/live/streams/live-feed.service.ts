import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, describeError, type Logger, sleep } from '@millrace/core';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { LogsRepository } from '../../ledger/logs/logs.repository';
import { SeriesRepository } from '../../ledger/metrics/series.repository';
import { TraceStore } from '../../ground/tracing/trace-store';
import { idsOf } from '../../ground/events/topics';
import { AgentsWatch } from './agents-watch';
import type { LiveMessage } from './live-message';
import { RunWatch } from './run-watch';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';

/** With this interval, a metric is reported at most twice a second per run and name. */
const LOOK_MS = 500;

export type LiveListener = (message: LiveMessage, topic: string) => void;

/**
 * Reports metrics, log lines, and states and telemetry of agents while somebody watches them. They are read from the
 * database, so that it does not matter which replica an agent reports to. Each run is read once, however many watch it,
 * and nothing is read while nobody does.
 */
@Injectable()
export class LiveFeedService implements OnModuleDestroy {
  private readonly listeners = new Map<LiveListener, ReadonlySet<string>>();
  private readonly runs = new Map<string, RunWatch>();
  private agents: AgentsWatch | undefined;
  private looking = false;

  constructor(
    private readonly agentRows: AgentsRepository,
    private readonly series: SeriesRepository,
    private readonly logs: LogsRepository,
    private readonly traces: TraceStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** `listener` is called for each message of one of `topics`. @returns a function that stops it */
  subscribe(topics: ReadonlySet<string>, listener: LiveListener): () => void {
    this.listeners.set(listener, topics);
    if (!this.looking) void this.look();
    return () => void this.listeners.delete(listener);
  }

  onModuleDestroy(): void {
    this.listeners.clear();
  }

  private async look(): Promise<void> {
    this.looking = true;
    while (this.listeners.size > 0) {
      await this.lookOnce().catch((error: unknown) =>
        this.logger.warn({ reason: describeError(error) }, 'what is watched cannot be read; trying again'),
      );
      await sleep(this.clock, LOOK_MS);
    }
    this.looking = false;
    this.runs.clear();
    this.agents = undefined;
  }

  private async lookOnce(): Promise<void> {
    const topics = new Set([...this.listeners.values()].flatMap((each) => [...each]));
    const runIds = idsOf(topics, 'run');
    for (const id of this.runs.keys()) if (!topics.has(`run:${id}`)) this.runs.delete(id);
    for (const id of runIds) this.tell(await this.runWatch(id).look(), (message) => [`run:${message.subject}`]);
    const agentIds = new Set(idsOf(topics, 'agent'));
    if (!topics.has('agents') && agentIds.size === 0) {
      this.agents = undefined;
      return;
    }
    this.agents ??= new AgentsWatch(this.agentRows);
    this.tell(await this.agents.look(this.clock.now(), agentIds), ({ type, subject }) => {
      const own = `agent:${subject}`;
      // The telemetry of all agents together would drown everything else in the stream.
      return type === 'agent.telemetry' ? [own] : [own, 'agents'];
    });
  }

  private runWatch(id: string): RunWatch {
    const watch = this.runs.get(id) ?? new RunWatch(id, { series: this.series, logs: this.logs, traces: this.traces });
    this.runs.set(id, watch);
    return watch;
  }

  private tell(messages: readonly LiveMessage[], topicsOf: (message: LiveMessage) => string[]): void {
    for (const message of messages) {
      for (const [listener, topics] of this.listeners) {
        const topic = topicsOf(message).find((each) => topics.has(each));
        if (topic !== undefined) listener(message, topic);
      }
    }
  }
}
