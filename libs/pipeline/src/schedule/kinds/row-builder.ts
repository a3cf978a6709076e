import type { Action } from '../action';

/** Builds a row as papers write it, by chunk: each kind of action of each chunk counts its own micro-batches. */
export class RowBuilder {
  readonly actions: Action[] = [];
  private readonly next = new Map<string, number>();
  private readonly deferred: Action[] = [];

  /** `stages` are the rank's, by chunk. */
  constructor(private readonly stages: readonly number[]) {}

  /** How many F, I, W or B of a chunk are in the row. */
  count(kind: Action['kind'], chunk: number): number {
    return this.next.get(`${kind}${chunk}`) ?? 0;
  }

  add(kind: Action['kind'], chunk: number): void {
    this.actions.push(this.take(kind, chunk));
  }

  /** [F+B]: the forward of one chunk overlapped with the backward of another. */
  addPair(forwardChunk: number, backwardChunk: number): void {
    const backward = this.takeBackward(backwardChunk);
    this.actions.push({ ...this.take('F', forwardChunk), overlaps: backward }, backward);
  }

  addBackward(chunk: number): void {
    this.actions.push(this.takeBackward(chunk));
  }

  /** Adds I now; its W waits for `addDeferredWeight`, first come, first served. */
  addInput(chunk: number): void {
    const { stage, microBatch } = this.takeBackward(chunk);
    this.actions.push({ kind: 'I', stage, microBatch });
    this.deferred.push({ kind: 'W', stage, microBatch });
  }

  addDeferredWeight(): void {
    const weight = this.deferred.shift();
    if (weight !== undefined) this.actions.push(weight);
  }

  /** B and I of a chunk share one count. */
  private takeBackward(chunk: number): Action {
    return this.take('B', chunk);
  }

  private take(kind: Action['kind'], chunk: number): Action {
    const microBatch = this.count(kind, chunk);
    this.next.set(`${kind}${chunk}`, microBatch + 1);
    return { kind, stage: this.stages[chunk] ?? 0, microBatch };
  }
}
