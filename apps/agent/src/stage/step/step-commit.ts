import type { Clock } from '@millrace/core';
import {
  allParameters,
  clipCoefficient,
  gradientNorm,
  isExhausted,
  lossScaleOf,
  nextCounters,
  ownedParameters,
  SKIPPED_AT_FLOOR_MAX,
  type UpdateCounters,
} from '@millrace/model';
import type { StagePlan } from '../stage-plan';
import { type BoundaryRequests, type Commit, TRACE_INTERVAL_MS } from '../stage-ports';
import type { TensorExchange } from '../exchange/tensor-exchange';
import { frameWrongSize } from '../stage.errors';

/** What a rank knows about a step when its gradients are done. */
export interface RankNorms {
  /** The sum of squares of each own gradient, in the order of `countedParameters` of its stages, which ascend. */
  readonly squares: readonly number[];
  /** At the head: the sum of the row losses, and how many tokens it counts. */
  readonly loss: { readonly sum: number; readonly tokens: number } | undefined;
}

/**
 * The parameters whose gradient a virtual stage contributes to the norm: a tied head leaves the token embedding to the
 * first stage.
 */
export function countedParameters(plan: StagePlan, stage: number): string[] {
  return ownedParameters(plan.config, plan.slices[stage]!).map(({ name }) => name);
}

export interface StepCommitOptions {
  readonly plan: StagePlan;
  readonly exchange: TensorExchange;
  /** Only rank 0 is told what is wanted at a boundary. */
  readonly requests: BoundaryRequests;
  readonly clock: Clock;
}

/** What all ranks together know about a step. */
interface StepNumbers {
  readonly squares: ReadonlyMap<string, number>;
  readonly norm: number;
  readonly loss: number;
}

export interface EndingStep {
  readonly step: number;
  /** The counters before the step. */
  readonly before: UpdateCounters;
  /** The rank goes on with the next step meanwhile. */
  readonly isOverlapped?: boolean;
}

/** Every rank sends its norms to rank 0, which sends its decision back: either every rank updates, or none does. */
export class StepCommit {
  private readonly order: readonly string[];
  private readonly names: readonly (readonly string[])[];
  private tracedAtMs = -Infinity;

  constructor(private readonly options: StepCommitOptions) {
    const { plan } = options;
    this.order = allParameters(plan.config).map(({ name }) => name);
    this.names = plan.placement.stagesOfRank.map((stages) => stages.flatMap((stage) => countedParameters(plan, stage)));
  }

  async agree(ending: EndingStep, norms: Promise<RankNorms>): Promise<Commit> {
    const { plan, exchange } = this.options;
    const { step, isOverlapped = false } = ending;
    if (plan.rank === 0) {
      const [own] = await Promise.all([norms, exchange.settleSends(isOverlapped)]);
      return this.decide(ending, own);
    }
    const pending = exchange.ask(0, { edge: 'commit', step, microBatch: -1, chunk: 0 });
    // The norms go before everything that this rank sends for the next step: rank 0 may not have room for that until it
    // has decided.
    exchange.sends.push(() => this.sendNorms(step, norms));
    // Sends are awaited up to here: after one that failed, this rank would wait for an answer that never comes.
    await exchange.settleSends(isOverlapped);
    return parseCommit(await exchange.takeText({ ...pending, isOverlapped }, `commit of step ${step}`));
  }

  private async sendNorms(step: number, norms: Promise<RankNorms>): Promise<void> {
    const { squares, loss } = await norms;
    const values = Float64Array.from(loss === undefined ? squares : [...squares, loss.sum, loss.tokens]);
    await this.options.exchange.sendArray(0, values, {
      address: { edge: 'norm', step, microBatch: -1, chunk: 0 },
      shape: [values.length],
    });
  }

  private async decide(ending: EndingStep, own: RankNorms): Promise<Commit> {
    const { plan, exchange } = this.options;
    const { step, isOverlapped = false } = ending;
    const squares = new Map<string, number>();
    let loss = own.loss;
    this.collect(squares, 0, own.squares);
    for (let rank = 1; rank < plan.ranks; rank++) {
      const pending = exchange.ask(rank, { edge: 'norm', step, microBatch: -1, chunk: 0 });
      const head = rank === plan.placement.rankOfStage.at(-1);
      const count = (this.names[rank]?.length ?? 0) + (head ? 2 : 0);
      const due = { dtypes: ['f64'], shape: [count] } as const;
      const values = await exchange.takeArray({ ...pending, isOverlapped }, `norm of step ${step}`, due);
      if (head) loss = { sum: values.at(-2)!, tokens: values.at(-1)! };
      this.collect(squares, rank, head ? values.subarray(0, -2) : values);
    }
    const mean = loss === undefined ? NaN : loss.sum / loss.tokens;
    const commit = this.commit(ending, squares, mean);
    const text = JSON.stringify(commit);
    const others = Array.from({ length: plan.ranks - 1 }, (_, index) => index + 1);
    const address = { edge: 'commit', step, microBatch: -1, chunk: 0 } as const;
    // All sends start at once: a rank that has no room yet must not keep the decision from the others.
    await Promise.all(others.map((rank) => exchange.sendText(rank, text, address)));
    return commit;
  }

  private collect(squares: Map<string, number>, rank: number, values: ArrayLike<number>): void {
    const names = this.names[rank] ?? [];
    if (values.length !== names.length) throw frameWrongSize(`norm from rank ${rank}`, names.length, values.length);
    names.forEach((name, index) => squares.set(name, values[index]!));
  }

  private commit(ending: EndingStep, squares: ReadonlyMap<string, number>, loss: number): Commit {
    const { step, before } = ending;
    const { plan, requests } = this.options;
    const norm = gradientNorm(squares, this.order) / lossScaleOf(before);
    const abort = this.abort(ending, { squares, norm, loss });
    if (abort !== undefined) return { step, norm: 0, clipCoefficient: 0, checkpoint: false, stop: true, abort };
    const due = step === plan.lastStep || (plan.checkpointEvery > 0 && step % plan.checkpointEvery === 0);
    const { checkpoint, stop } = requests.take(due);
    return {
      step,
      ...(Number.isFinite(norm)
        ? { norm, clipCoefficient: clipCoefficient(norm, plan.clip) }
        : { norm: 0, clipCoefficient: 0, overflow: this.firstBad(squares) }),
      checkpoint: checkpoint || stop || due,
      stop,
      trace: this.traces(),
    };
  }

  /** Scaled gradients may overflow: a smaller scale may help. Nothing helps a loss that is not finite. */
  private abort({ before }: EndingStep, { squares, norm, loss }: StepNumbers): Commit['abort'] {
    if (!Number.isFinite(loss)) return { what: 'the loss', value: String(loss), ...this.firstBad(squares) };
    if (Number.isFinite(norm)) return undefined;
    const abort = { what: 'the gradient norm', value: String(norm), ...this.firstBad(squares) };
    if (before.lossScale === undefined) return abort;
    const skipped = nextCounters(before, true);
    return isExhausted(skipped) ? { ...abort, skippedCount: SKIPPED_AT_FLOOR_MAX } : undefined;
  }

  private firstBad(squares: ReadonlyMap<string, number>): { readonly firstBad?: string } {
    const firstBad = this.order.find((name) => !Number.isFinite(squares.get(name)));
    return firstBad === undefined ? {} : { firstBad };
  }

  private traces(): boolean {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.tracedAtMs < TRACE_INTERVAL_MS) return false;
    this.tracedAtMs = nowMs;
    return true;
  }
}

/**
 * JSON.parse alone is enough: rank 0 of the same attempt wrote the text, and its stream is authenticated. JSON keeps
 * doubles exactly.
 */
function parseCommit(text: string): Commit {
  return JSON.parse(text) as Commit;
}
