import type { StagePlan } from '../stage-plan';
import type { BoundaryRequests } from '../stage-ports';
import type { TensorExchange } from '../exchange/tensor-exchange';

/** What every rank does when it has done an update. */
export interface Boundary {
  readonly checkpoint: boolean;
  /** It is the last one. */
  readonly stop: boolean;
}

export interface BoundaryDecisionsOptions {
  readonly plan: StagePlan;
  readonly exchange: TensorExchange;
  /** Rank 0 has them. */
  readonly requests: BoundaryRequests;
}

/**
 * Rank 0's word on each update, the same for every rank. It decides on an update before it begins the first forward of
 * the next one: no rank can have gone further by then, so none ever turns back, and the word is under way before the
 * tensors that a rank needs to go on. Nobody waits for anybody's update.
 */
export class BoundaryDecisions {
  private readonly known = new Map<number, Promise<Boundary>>();

  constructor(private readonly options: BoundaryDecisionsOptions) {}

  /** `step` is the update's. Ranks ask for each, ascending, and may ask again until they ask `forget`. */
  at(step: number): Promise<Boundary> {
    let boundary = this.known.get(step);
    if (boundary === undefined) {
      boundary = this.find(step);
      this.known.set(step, boundary);
    }
    return boundary;
  }

  /** Of updates that are done with. */
  forget(step: number): void {
    this.known.delete(step);
  }

  private async find(step: number): Promise<Boundary> {
    const { plan, exchange } = this.options;
    if (step >= plan.lastStep) return { checkpoint: true, stop: true };
    const address = { edge: 'commit', step, microBatch: -1, chunk: 0 } as const;
    // Written by rank 0 of the same attempt, whose stream is authenticated.
    if (plan.rank > 0) {
      const text = await exchange.takeText(exchange.ask(0, address), `boundary of step ${step}`);
      return JSON.parse(text) as Boundary;
    }
    const boundary = this.decide(step);
    const text = JSON.stringify(boundary);
    for (let rank = 1; rank < plan.ranks; rank++) await exchange.sendText(rank, text, address);
    return boundary;
  }

  private decide(step: number): Boundary {
    const { plan, requests } = this.options;
    const { checkpoint, stop } = requests.take();
    const due = plan.checkpointEvery > 0 && step % plan.checkpointEvery === 0;
    return { checkpoint: checkpoint || stop || due, stop };
  }
}
