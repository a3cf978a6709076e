import { type AgentMessageBody, type agentV1, SENTENCE_LENGTH_MAX } from '@millrace/contracts';

/** The attempt that points, lines and reports belong to. */
export interface AttemptKey {
  readonly runId: string;
  readonly fence: number;
}

type MetricBatch = agentV1.MetricBatch;
type LogBatch = agentV1.LogBatch;
type CheckpointReport = agentV1.CheckpointReport;

/** The report of a checkpoint, which is held back until the points up to its step are in the database. */
interface HeldReport {
  readonly report: CheckpointReport;
  readonly afterMetrics: number;
}

export const POINTS_MAX = 100_000;
/** So many reports may wait. Each may have megabytes, because it names every block of a rank. */
export const REPORTS_MAX = 8;
export const LINES_MAX = 10_000;
const BATCH_COUNT_MAX = 1000;
/** Characters of the log lines in one batch: a batch is one message, and messages have a bound. */
const BATCH_TEXT_LENGTH_MAX = 2 ** 19;

/**
 * Keeps what must reach the API's database even if the API is away for long: metrics, logs and checkpoint reports. Each
 * kind travels in batches with sequence numbers of its own, which are kept until they are acknowledged and sent again
 * in each new session. Points and reports are never dropped (training pauses instead). Of log lines the oldest are
 * dropped, and a line says how many.
 */
export class Outbox {
  private sequences = { metrics: 0, logs: 0, checkpoints: 0 };
  private acknowledged = { metrics: 0, logs: 0, checkpoints: 0 };
  private metrics: MetricBatch[] = [];
  private logs: LogBatch[] = [];
  private reports: HeldReport[] = [];
  /** For each kind, the last sequence that was sent in this session. */
  private sent = { metrics: 0, logs: 0, checkpoints: 0 };
  private pointCount = 0;
  private lineCount = 0;
  private droppedLineCount = 0;
  /** The line that tells how many lines were dropped; it stands before all others. */
  private marker: agentV1.LogLine | undefined;
  private room: (() => void)[] = [];

  /** Resolves when the buffer has room for more points, which is mostly at once. */
  addMetrics(key: AttemptKey, points: readonly agentV1.MetricPoint[]): Promise<void> {
    appendTo(this.metrics, key, {
      items: points,
      field: 'points',
      open: (batch) => batch.sequence === 0,
      make: () => ({ ...key, sequence: 0, points: [] }),
    });
    this.pointCount += points.length;
    return this.untilRoom();
  }

  addLog(key: AttemptKey, given: agentV1.LogLine): void {
    const line = { ...given, text: given.text.slice(0, SENTENCE_LENGTH_MAX) };
    appendTo(this.logs, key, {
      items: [line],
      field: 'lines',
      open: (batch) => batch.sequence === 0 && textLength(batch) < BATCH_TEXT_LENGTH_MAX,
      make: () => ({ ...key, sequence: 0, lines: [] }),
    });
    this.lineCount++;
    if (this.lineCount > LINES_MAX) this.dropOldestLines(line);
  }

  /** Resolves when there is room for another report: until then the next checkpoint waits. */
  addCheckpoint(report: Omit<CheckpointReport, 'sequence'>): Promise<void> {
    this.closeBatches();
    this.reports.push({
      report: { ...report, sequence: ++this.sequences.checkpoints },
      afterMetrics: this.sequences.metrics,
    });
    return this.untilRoom();
  }

  /**
   * Begins a new session: batches that the API does not have are sent again. Sequences go on after those that it has
   * from an earlier process of this agent.
   */
  welcome({
    metricsAcknowledged,
    logsAcknowledged,
  }: Pick<agentV1.Welcome, 'metricsAcknowledged' | 'logsAcknowledged'>): void {
    this.sequences.metrics = Math.max(this.sequences.metrics, metricsAcknowledged);
    this.sequences.logs = Math.max(this.sequences.logs, logsAcknowledged);
    this.acknowledge({ metrics: metricsAcknowledged, logs: logsAcknowledged, checkpoints: 0 });
    this.sent = { ...this.acknowledged };
  }

  acknowledge(ack: agentV1.Acknowledgement): void {
    for (const kind of ['metrics', 'logs', 'checkpoints'] as const) {
      this.acknowledged[kind] = Math.max(this.acknowledged[kind], ack[kind]);
    }
    this.metrics = this.metrics.filter(({ sequence, points }) => {
      const done = sequence !== 0 && sequence <= this.acknowledged.metrics;
      if (done) this.pointCount -= points.length;
      return !done;
    });
    this.logs = this.logs.filter(({ sequence, lines }) => {
      const done = sequence !== 0 && sequence <= this.acknowledged.logs;
      if (done) this.lineCount -= lines.length;
      return !done;
    });
    this.reports = this.reports.filter(({ report }) => report.sequence > this.acknowledged.checkpoints);
    this.admit();
  }

  /** Takes what may be sent now and was not sent in this session yet, in order; open batches are closed. */
  take(): AgentMessageBody[] {
    this.closeBatches();
    const bodies: AgentMessageBody[] = [];
    for (const value of this.metrics) if (value.sequence > this.sent.metrics) bodies.push({ $case: 'metrics', value });
    for (const value of this.logs) if (value.sequence > this.sent.logs) bodies.push({ $case: 'logs', value });
    this.sent.metrics = Math.max(this.sent.metrics, this.metrics.at(-1)?.sequence ?? 0);
    this.sent.logs = Math.max(this.sent.logs, this.logs.at(-1)?.sequence ?? 0);
    for (const { report, afterMetrics } of this.reports) {
      if (report.sequence <= this.sent.checkpoints || afterMetrics > this.acknowledged.metrics) continue;
      bodies.push({ $case: 'checkpoint', value: report });
      this.sent.checkpoints = report.sequence;
    }
    return bodies;
  }

  /** Whether everything of the attempt is in the database. */
  isSettled(key: AttemptKey): boolean {
    return ![...this.metrics, ...this.logs, ...this.reports.map(({ report }) => report)].some((each) =>
      sameAttempt(each, key),
    );
  }

  /**
   * Drops a report that the API can never accept. Batches need no such call: their bound is one that every API accepts.
   */
  giveUp(given: CheckpointReport): void {
    this.reports = this.reports.filter(({ report }) => report !== given);
    this.admit();
  }

  /** Drops everything of an attempt that was superseded: nobody wants its points any more. */
  drop(key: AttemptKey): void {
    this.metrics = this.metrics.filter((batch) => !sameAttempt(batch, key));
    this.logs = this.logs.filter((batch) => !sameAttempt(batch, key));
    this.reports = this.reports.filter(({ report }) => !sameAttempt(report, key));
    this.pointCount = this.metrics.reduce((sum, { points }) => sum + points.length, 0);
    this.lineCount = this.logs.reduce((sum, { lines }) => sum + lines.length, 0);
    this.admit();
  }

  private get hasRoom(): boolean {
    return this.pointCount <= POINTS_MAX && this.reports.length <= REPORTS_MAX;
  }

  private untilRoom(): Promise<void> {
    return this.hasRoom ? Promise.resolve() : new Promise((resolve) => this.room.push(resolve));
  }

  private admit(): void {
    if (this.hasRoom) for (const resolve of this.room.splice(0)) resolve();
  }

  private closeBatches(): void {
    for (const batch of this.metrics) if (batch.sequence === 0) batch.sequence = ++this.sequences.metrics;
    for (const batch of this.logs) if (batch.sequence === 0) batch.sequence = ++this.sequences.logs;
  }

  private dropOldestLines(like: agentV1.LogLine): void {
    const oldest = this.logs[0];
    if (oldest === undefined) return;
    if (this.marker !== undefined && oldest.lines[0] === this.marker) {
      oldest.lines.shift();
      this.lineCount--;
    }
    let leftCount = Math.ceil(LINES_MAX / 100);
    for (const batch of this.logs) {
      const droppedCount = batch.lines.splice(0, leftCount).length;
      leftCount -= droppedCount;
      this.droppedLineCount += droppedCount;
      this.lineCount -= droppedCount;
      if (leftCount === 0) break;
    }
    this.marker = {
      ...like,
      level: 'warn',
      text: `${this.droppedLineCount} log lines were dropped while the API was away`,
    };
    oldest.lines.unshift(this.marker);
    this.lineCount++;
    // The oldest batch holds the marker and stays; others may be empty now.
    this.logs = this.logs.filter(({ lines }) => lines.length > 0);
  }
}

interface Appending<Batch, Item> {
  readonly items: readonly Item[];
  readonly field: keyof Batch;
  /** Whether the batch still takes items, which it does until it has a sequence. */
  readonly open: (batch: Batch) => boolean;
  readonly make: () => Batch;
}

function appendTo<Batch extends AttemptKey, Item>(
  batches: Batch[],
  key: AttemptKey,
  appending: Appending<Batch, Item>,
): void {
  const last = batches.at(-1);
  const { items, field, open, make } = appending;
  const fits =
    last !== undefined && open(last) && sameAttempt(last, key) && (last[field] as Item[]).length < BATCH_COUNT_MAX;
  const batch = fits ? last : make();
  if (!fits) batches.push(batch);
  (batch[field] as Item[]).push(...items);
}

function textLength({ lines }: LogBatch): number {
  return lines.reduce((sum, { text }) => sum + text.length, 0);
}

function sameAttempt(a: AttemptKey, b: AttemptKey): boolean {
  return a.runId === b.runId && a.fence === b.fence;
}
