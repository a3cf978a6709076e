import type { StagePlan } from '../stage-plan';
import type { BoundaryRequests } from '../stage-ports';
import type { TensorExchange } from '../exchange/tensor-exchange';

/** What every rank does after an update. */
export interface Boundary {
  readonly checkpoint: boolean;
  /** This update is the last one. */
  readonly stop: boolean;
}

export interface BoundaryDecisionsOptions {
  readonly plan: StagePlan;
  readonly exchange: TensorExchange;
  /** Only rank 0 is told what is wanted at a boundary. */
  readonly requests: BoundaryRequests;
}

/**
 * Rank 0's decision on each update, which is the same for every rank. Rank 0 decides on an update before it begins the
 * first forward of the next one. By then no other rank can have gone further, so that no rank ever has to turn back;
 * and the decision is sent before the tensors without which a rank cannot go on. No rank waits for another one's
 * update.
 */
export class BoundaryDecisions {
  private readonly known = new Map<number, Promise<Boundary>>();

  constructor(private readonly options: BoundaryDecisionsOptions) {}

  /** The decision on the update of `step`. Ranks ask in ascending order, and may ask again until they call `forget`. */
  at(step: number): Promise<Boundary> {
    let boundary = this.known.get(step);
    if (boundary === undefined) {
      boundary = this.find(step);
      this.known.set(step, boundary);
    }
    return boundary;
  }

  /** Forgets the decision on an update that nobody will ask for again. */
  forget(step: number): void {
    this.known.delete(step);
  }

  private async find(step: number): Promise<Boundary> {
    const { plan, exchange } = this.options;
    if (step >= plan.lastStep) return { checkpoint: true, stop: true };
    const address = { edge: 'commit', step, microBatch: -1, chunk: 0 } as const;
    // JSON.parse alone is enough: rank 0 of the same attempt wrote the text, and its stream is authenticated.
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
