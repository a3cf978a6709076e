import type { LogsRepository } from '../../ledger/logs/logs.repository';
import type { SeriesRepository } from '../../ledger/metrics/series.repository';
import type { TraceStore } from '../../ground/tracing/trace-store';
import type { LiveMessage } from './live-message';

/** Log lines told per look; the rest comes with the next. */
const LINES_MAX = 200;

export interface RunSources {
  readonly series: SeriesRepository;
  readonly logs: LogsRepository;
  readonly traces: TraceStore;
}

/** What a run that is being watched has written since the last look. */
export class RunWatch {
  private readonly newest = new Map<string, string>();
  private lineId: bigint | undefined;
  private tracedStep: number | undefined;
  private first = true;

  constructor(
    private readonly runId: string,
    private readonly sources: RunSources,
  ) {}

  /** The first look only notes where things stand. */
  async look(): Promise<LiveMessage[]> {
    const messages = [...(await this.metrics()), ...(await this.lines()), ...this.timeline()];
    const { first } = this;
    this.first = false;
    return first ? [] : messages;
  }

  /** The newest point of each name: that is all a reader can tell apart, a few times a second. */
  private async metrics(): Promise<LiveMessage[]> {
    const points = await this.sources.series.newest(this.runId);
    return points.flatMap(({ name, step, value }) => {
      const key = `${step} ${value}`;
      if (this.newest.get(name) === key) return [];
      this.newest.set(name, key);
      return [this.message('run.metric', { runId: this.runId, name, step, value })];
    });
  }

  private async lines(): Promise<LiveMessage[]> {
    const { runId } = this;
    this.lineId ??= await this.sources.logs.newestId(runId);
    const lines = await this.sources.logs.page({ runId, after: this.lineId, limit: LINES_MAX });
    this.lineId = BigInt(lines.at(-1)?.id ?? this.lineId);
    return lines.map((line) => this.message('run.log', { runId, ...line }));
  }

  private timeline(): LiveMessage[] {
    const step = this.sources.traces.of(this.runId).at(-1)?.step;
    if (step === undefined || step === this.tracedStep) return [];
    this.tracedStep = step;
    return [this.message('run.timeline', { runId: this.runId, step })];
  }

  private message(type: string, data: object): LiveMessage {
    return { type, runId: this.runId, subject: this.runId, data };
  }
}
