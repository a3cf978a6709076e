import { type RawSpan, startOf } from './gantt-model';
import { isBeside, spanCategory } from './span-kind';

export interface RankSummary {
  readonly rank: number;
  readonly computeUs: number;
  readonly waitUs: number;
  readonly transferUs: number;
  /** Of the whole step's length. */
  readonly computeRatio: number;
}

export interface StepSummary {
  readonly lengthUs: number;
  readonly ranks: readonly RankSummary[];
}

/** Where a step's time went, per rank. */
export function summariseStep(spans: readonly RawSpan[]): StepSummary {
  const origin = startOf(spans);
  const lengthUs = spans.reduce((end, { startUs, durationUs }) => Math.max(end, startUs + durationUs), origin) - origin;
  const ranks = [...new Set(spans.map(({ rank }) => rank))].sort((a, b) => a - b);
  return { lengthUs, ranks: ranks.map((rank) => summariseRank(spans, rank, lengthUs)) };
}

function summariseRank(spans: readonly RawSpan[], rank: number, lengthUs: number): RankSummary {
  const sums = { computeUs: 0, waitUs: 0, transferUs: 0 };
  for (const span of spans) {
    if (span.rank !== rank) continue;
    const category = spanCategory(span.kind);
    if (!isBeside(category)) sums.computeUs += span.durationUs;
    else if (category === 'wait') sums.waitUs += span.durationUs;
    else sums.transferUs += span.durationUs;
  }
  return { rank, ...sums, computeRatio: lengthUs === 0 ? 0 : sums.computeUs / lengthUs };
}
