import { SingleBar } from 'cli-progress';
import type { RunBody } from '@millrace/contracts';
import { type AppError, type Clock, isFinal, sleep } from '@millrace/core';
import type { MillraceClient } from '@millrace/sdk';
import { durationText } from '../table';
import { StepRate } from './step-rate';
import { whileApiIsAway } from './while-api-is-away';

interface WatchOptions {
  readonly client: MillraceClient;
  readonly clock: Clock;
  readonly runId: string;
  /** Where the bar is drawn: it is standard error, so that standard output stays clean. */
  readonly stream: NodeJS.WriteStream;
}

const POLL_MS = 500;
const FORMAT = 'step {value}/{total} |{bar}| loss {loss}  {rate} tokens/s  {left} left';

/**
 * Shows one progress bar until the run ends. Changes of its state or of the reason for it, and validation losses,
 * appear as lines above the bar.
 */
export async function watchRun({ client, clock, runId, stream }: WatchOptions): Promise<RunBody> {
  const view = new ProgressView(stream);
  const rate = new StepRate();
  const onAway = (error: AppError): void => view.line(`${error.message}; trying again`);
  const answered = <T>(work: () => Promise<T>): Promise<T> => whileApiIsAway(work, { clock, onAway });
  let told = '';
  let validationSeen = 0;
  let cursors: { loss?: string; validation?: string } = {};
  for (;;) {
    const run = await answered(() => client.run(runId));
    const line = stateLine(run);
    if (line !== told) view.line(line);
    told = line;
    const { loss: cursor, validation } = cursors;
    const losses = await answered(() => newPoints(client, { runId, name: 'train/loss', cursor }));
    const validations = await answered(() => newPoints(client, { runId, name: 'val/loss', cursor: validation }));
    cursors = {
      ...(losses.cursor === undefined ? {} : { loss: losses.cursor }),
      ...(validations.cursor === undefined ? {} : { validation: validations.cursor }),
    };
    for (const point of validations.points) {
      if (point.step <= validationSeen) continue;
      validationSeen = point.step;
      view.line(`validation loss after step ${point.step}: ${point.value.toFixed(4)}`);
    }
    const last = losses.points.at(-1);
    if (last !== undefined) {
      rate.observe(last.step, clock.monotonicMs());
      const tokensPerStep = run.spec.train.batch.global * run.spec.model.context;
      view.progress({
        step: last.step,
        steps: run.steps,
        loss: last.value,
        tokensPerSecond: rate.stepsPerSecond() * tokensPerStep,
        secondsLeft: (run.steps - last.step) / rate.stepsPerSecond(),
      });
    }
    if (isFinal(run.state) || run.state === 'paused') {
      view.end();
      return run;
    }
    await sleep(clock, POLL_MS);
  }
}

interface PointsQuery {
  readonly runId: string;
  readonly name: string;
  readonly cursor: string | undefined;
}

interface Points {
  readonly points: { step: number; value: number }[];
  readonly cursor: string | undefined;
}

/** The points of a metric after `cursor`; a page that is not full is read again next time. */
async function newPoints(client: MillraceClient, { runId, name, cursor }: PointsQuery): Promise<Points> {
  const points: { step: number; value: number }[] = [];
  let at = cursor;
  for (;;) {
    const page = await client.metrics(runId, name, { limit: 1000, ...(at === undefined ? {} : { cursor: at }) });
    points.push(...page.points);
    if (page.nextCursor === null) return { points, cursor: at };
    at = page.nextCursor;
  }
}

function stateLine(run: RunBody): string {
  const why = run.reason === null ? '' : `: ${run.reason.message}`;
  return `${run.name} is ${run.state}${why}`;
}

interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
}

/** A bar on a terminal; elsewhere one line for every tenth of the run. */
class ProgressView {
  private bar: SingleBar | undefined;
  private tenthShown = -1;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  progress({ step, steps, loss, tokensPerSecond, secondsLeft }: Progress): void {
    const fields = {
      loss: loss.toFixed(4),
      rate: Number.isFinite(tokensPerSecond) ? tokensPerSecond.toFixed(0) : '-',
      left: durationText(secondsLeft),
    };
    if (!this.stream.isTTY) {
      const tenth = Math.floor((10 * step) / steps);
      if (tenth > this.tenthShown)
        this.line(`step ${step}/${steps}  loss ${fields.loss}  ${fields.rate} tokens/s  ${fields.left} left`);
      this.tenthShown = Math.max(tenth, this.tenthShown);
      return;
    }
    if (this.bar === undefined) {
      this.bar = new SingleBar({
        format: FORMAT,
        stream: this.stream,
        hideCursor: true,
        barCompleteChar: '█',
        barIncompleteChar: '·',
        barsize: 30,
        gracefulExit: false,
      });
      this.bar.start(steps, step, fields);
    }
    this.bar.update(step, fields);
  }

  /** Writes a line above the bar, which is drawn again below it. */
  line(text: string): void {
    if (this.bar !== undefined && this.stream.isTTY) this.stream.write('\r\u001b[K');
    this.stream.write(`${text}\n`);
    this.bar?.render();
  }

  end(): void {
    this.bar?.stop();
  }
}
