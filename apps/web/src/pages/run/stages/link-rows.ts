import type { LinkTraffic, RunBody } from '@millrace/contracts';

/** What one rank sends another. */
export interface LinkRow {
  readonly fromRank: number;
  readonly toRank: number;
  /** Activations and gradients of a step as the spec says; bytes. */
  readonly computedBytes: number;
  /** Undefined until a step was traced. */
  readonly measured?: LinkUse;
}

export interface LinkUse {
  /** Activations and gradients. */
  readonly tensorBytesPerStep: number;
  readonly tensorsPerStep: number;
  /** Tied embeddings, norms, agreements, accounts, validation. */
  readonly otherBytesPerStep: number;
  /** All of it. */
  readonly bytesPerSecond: number;
}

const BYTES_PER_F32 = 4;
const TENSOR_EDGES = ['activation', 'gradient'];
type Attempt = RunBody['attempts'][number];

/** A tensor of [micro-batch, context, hidden] in f32: what crosses a boundary between stages, each way. */
export function activationBytes({ model, train }: RunBody['spec']): number {
  return train.batch.micro * model.context * model.hidden * BYTES_PER_F32;
}

/** An attempt's stages in the order of the pipeline. */
export function stagesInOrder({ stages }: Pick<Attempt, 'stages'>): Attempt['stages'] {
  return [...stages].sort((a, b) => a.firstLayer - b.firstLayer || a.rank - b.rank);
}

/**
 * Links by sender and receiver: what the spec lets expect, one tensor of each micro-batch across each boundary between
 * two ranks and back, beside what the senders counted.
 */
export function linkRows(
  spec: RunBody['spec'],
  attempt: Pick<Attempt, 'stages'>,
  measured: readonly LinkTraffic[],
): LinkRow[] {
  const { batch } = spec.train;
  const perBoundary = (activationBytes(spec) * batch.global) / (batch.micro * spec.parallel.dp);
  const rows = new Map<string, LinkRow>();
  const rowOf = (fromRank: number, toRank: number): LinkRow =>
    rows.get(`${fromRank} ${toRank}`) ?? { fromRank, toRank, computedBytes: 0 };
  const put = (row: LinkRow): void => void rows.set(`${row.fromRank} ${row.toRank}`, row);
  const order = stagesInOrder(attempt);
  for (const [index, { rank: next }] of order.entries()) {
    const before = order[index - 1]?.rank;
    if (before === undefined || before === next) continue;
    for (const row of [rowOf(before, next), rowOf(next, before)])
      put({ ...row, computedBytes: row.computedBytes + perBoundary });
  }
  for (const link of measured) {
    const row = rowOf(link.fromRank, link.toRank);
    put({ ...row, measured: added(row.measured, link) });
  }
  return [...rows.values()].sort((a, b) => a.fromRank - b.fromRank || a.toRank - b.toRank);
}

const NOTHING: LinkUse = { tensorBytesPerStep: 0, tensorsPerStep: 0, otherBytesPerStep: 0, bytesPerSecond: 0 };

function added(sum: LinkUse = NOTHING, link: LinkTraffic): LinkUse {
  const bytesPerSecond = sum.bytesPerSecond + link.bytesPerSecond;
  if (!TENSOR_EDGES.includes(link.edge)) {
    return { ...sum, bytesPerSecond, otherBytesPerStep: sum.otherBytesPerStep + link.bytesPerStep };
  }
  return {
    ...sum,
    bytesPerSecond,
    tensorBytesPerStep: sum.tensorBytesPerStep + link.bytesPerStep,
    tensorsPerStep: sum.tensorsPerStep + link.framesPerStep,
  };
}
