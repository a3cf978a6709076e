import type { LinkTraffic, RunBody } from '@millrace/contracts';

/** What one rank sends to another. */
export interface LinkRow {
  readonly fromRank: number;
  readonly toRank: number;
  /** Bytes of activations and gradients in one step, computed from the spec. */
  readonly computedBytes: number;
  /** Undefined until a step has been traced. */
  readonly measured?: LinkUse;
}

export interface LinkUse {
  /** Bytes of activations and gradients. */
  readonly tensorBytesPerStep: number;
  readonly tensorsPerStep: number;
  /** Bytes of everything else: tied embeddings, norms, decisions, accounts and validation. */
  readonly otherBytesPerStep: number;
  /** The rate of all bytes together. */
  readonly bytesPerSecond: number;
}

const BYTES_PER_F32 = 4;
const TENSOR_EDGES = ['activation', 'gradient'];
type Attempt = RunBody['attempts'][number];

/**
 * Bytes of a [micro-batch, context, hidden] tensor in f32, which crosses each boundary between stages in both
 * directions.
 */
export function activationBytes({ model, train }: RunBody['spec']): number {
  return train.batch.micro * model.context * model.hidden * BYTES_PER_F32;
}

/** An attempt's stages in the order of the pipeline. */
export function stagesInOrder({ stages }: Pick<Attempt, 'stages'>): Attempt['stages'] {
  return [...stages].sort((a, b) => a.firstLayer - b.firstLayer || a.rank - b.rank);
}

/**
 * The links by sender and receiver. Each has what the spec lets one expect (one tensor of each micro-batch crosses each
 * boundary between two ranks in both directions) and what its sender counted.
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
