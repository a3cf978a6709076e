import { type RawSpan, startOf } from './gantt-model';
import { isBeside, spanCategory } from './span-kind';

export interface RankSummary {
  readonly rank: number;
  readonly computeUs: number;
  /** Time waited while the device did nothing; a wait beside its work costs nothing and is not counted. */
  readonly waitUs: number;
  /** Transfers, most of which happen beside the device's work. */
  readonly transferUs: number;
  /** The share of the whole step's length in which the device computed. */
  readonly computeRatio: number;
}

export interface StepSummary {
  readonly lengthUs: number;
  readonly ranks: readonly RankSummary[];
}

/** Sums up where a step's time went, per rank. */
export function summariseStep(spans: readonly RawSpan[]): StepSummary {
  const origin = startOf(spans);
  const lengthUs = spans.reduce((end, { startUs, durationUs }) => Math.max(end, startUs + durationUs), origin) - origin;
  const ranks = [...new Set(spans.map(({ rank }) => rank))].sort((a, b) => a - b);
  return { lengthUs, ranks: ranks.map((rank) => summariseRank(spans, rank, lengthUs)) };
}

function summariseRank(spans: readonly RawSpan[], rank: number, lengthUs: number): RankSummary {
  const own = spans.filter((span) => span.rank === rank);
  const compute = own.filter(({ kind }) => !isBeside(spanCategory(kind)));
  const waits = own.filter(({ kind }) => spanCategory(kind) === 'wait');
  const transfers = own.filter(({ kind }) => spanCategory(kind) === 'transfer');
  const computeUs = coveredUs(compute);
  return {
    rank,
    computeUs,
    waitUs: coveredUs([...compute, ...waits]) - computeUs,
    transferUs: coveredUs(transfers),
    computeRatio: lengthUs === 0 ? 0 : computeUs / lengthUs,
  };
}

/** Length of the spans' union: time in which several waits overlap counts once. */
function coveredUs(spans: readonly RawSpan[]): number {
  let covered = 0;
  let end = -Infinity;
  for (const { startUs, durationUs } of [...spans].sort((a, b) => a.startUs - b.startUs)) {
    covered += Math.max(0, startUs + durationUs - Math.max(end, startUs));
    end = Math.max(end, startUs + durationUs);
  }
  return covered;
}
