import type { LogsRepository } from '../../ledger/logs/logs.repository';
import type { NamedPoint, SeriesRepository } from '../../ledger/metrics/series.repository';
import type { TraceStore } from '../../ground/tracing/trace-store';
import type { LiveMessage } from './live-message';

/** So many log lines are reported per look; the rest comes with the next one. */
const LINES_MAX = 200;
/** So many points of one name are reported per look; a chart that needs more asks for the series. */
const POINTS_MAX = 50;

export interface RunSources {
  readonly series: SeriesRepository;
  readonly logs: LogsRepository;
  readonly traces: TraceStore;
}

/** What a run that is being watched has written since the last look. */
export class RunWatch {
  /** The last reported point of each name. */
  private readonly told = new Map<string, NamedPoint>();
  private lineId: bigint | undefined;
  private tracedStep: number | undefined;
  private first = true;

  constructor(
    private readonly runId: string,
    private readonly sources: RunSources,
  ) {}

  /** The first look only remembers the present state. */
  async look(): Promise<LiveMessage[]> {
    const messages = [...(await this.metrics()), ...(await this.lines()), ...this.timeline()];
    const { first } = this;
    this.first = false;
    return first ? [] : messages;
  }

  /** Every point since the last look in the order of steps, so that a chart of them has no gaps. */
  private async metrics(): Promise<LiveMessage[]> {
    const { runId } = this;
    const newest = await this.sources.series.newest(runId);
    const found = await Promise.all(newest.map((point) => this.pointsUpTo(point)));
    return found.flat().map(({ name, step, value }) => this.message('run.metric', { runId, name, step, value }));
  }

  private async pointsUpTo(newest: NamedPoint): Promise<readonly NamedPoint[]> {
    const { name, step, value } = newest;
    const told = this.told.get(name);
    if (told !== undefined && told.step === step && told.value === value) return [];
    this.told.set(name, newest);
    if (told === undefined || step <= told.step + 1) return [newest];
    const { series } = this.sources;
    const missed = await series.between({ runId: this.runId, name, after: told.step, before: step, limit: POINTS_MAX });
    return [...missed, newest];
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
