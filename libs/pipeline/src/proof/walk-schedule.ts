import { assert } from '@millrace/core';
import { transferOf, type Transfer } from '../lower/transfer';
import type { Action } from '../schedule/action';
import type { Cell } from '../schedule/cell';
import type { Schedule } from '../schedule/schedule';

/**
 * How many tensors the link from one rank to another holds at once, whatever stages they belong to. With 0, a SEND and
 * its RECV block until both are reached. Otherwise a SEND blocks while the link is full, and a RECV until its SEND was
 * reached. With Infinity a SEND never blocks.
 */
export type LinkSlots = number;

export type Visit = (rank: number, action: Action) => void;

/**
 * Runs the lists in an order that respects every dependency, and calls `visit` at each action (a SEND before its
 * RECV). REDUCE is a barrier of all ranks. Returns the cells at which ranks are stuck for ever; none means no deadlock.
 * Such networks are confluent, so one order finding no deadlock proves that none can (Kahn 1974).
 */
export function walkSchedule(schedule: Schedule, slots: LinkSlots, visit: Visit = () => undefined): Cell[] {
  const walk = new Walk(schedule, slots, visit);
  while (walk.advanceAll()) continue;
  return walk.stuck();
}

class Walk {
  private readonly positions: number[];
  private readonly sent = new Set<string>();
  /** Tensors on the link between two ranks, by `from>to`. */
  private readonly under = new Map<string, number>();

  constructor(
    private readonly schedule: Schedule,
    private readonly slots: LinkSlots,
    private readonly visit: Visit,
  ) {
    this.positions = schedule.actions.map(() => 0);
  }

  /** Lets every rank run until it blocks; false when none could move. */
  advanceAll(): boolean {
    let moved = false;
    for (let rank = 0; rank < this.positions.length; rank++) {
      while (this.advance(rank)) moved = true;
    }
    return moved;
  }

  stuck(): Cell[] {
    return this.positions
      .map((position, rank) => ({ rank, position }))
      .filter(({ rank }) => this.current(rank) !== undefined);
  }

  private advance(rank: number): boolean {
    const action = this.current(rank);
    if (action === undefined) return false;
    if (action.kind === 'REDUCE') return this.barrier();
    const transfer = transferOf(action);
    if (transfer === undefined) return this.step(rank, action);
    return this.slots === 0 ? this.rendezvous(rank, action, transfer) : this.buffered(rank, action, transfer);
  }

  private buffered(rank: number, action: Action, transfer: Transfer): boolean {
    const { rankOfStage } = this.schedule;
    const link = `${rankOfStage[transfer.fromStage]}>${rankOfStage[transfer.toStage]}`;
    const held = this.under.get(link) ?? 0;
    if (transfer.isSend ? held >= this.slots : !this.sent.has(transfer.key)) return false;
    this.under.set(link, held + (transfer.isSend ? 1 : -1));
    if (transfer.isSend) this.sent.add(transfer.key);
    return this.step(rank, action);
  }

  /** Moves both ends at once, the sender first. */
  private rendezvous(rank: number, action: Action, transfer: Transfer): boolean {
    const peer = this.schedule.rankOfStage[transfer.isSend ? transfer.toStage : transfer.fromStage];
    const other = peer === undefined ? undefined : this.current(peer);
    if (peer === undefined || other === undefined || peer === rank) return false;
    const matching = transferOf(other);
    if (matching?.key !== transfer.key || matching.isSend === transfer.isSend) return false;
    if (!transfer.isSend) return this.step(peer, other) && this.step(rank, action);
    return this.step(rank, action) && this.step(peer, other);
  }

  private barrier(): boolean {
    const waiting = this.positions.map((_, rank) => this.current(rank));
    if (waiting.some((action) => action?.kind !== 'REDUCE')) return false;
    waiting.forEach((action, rank) => action !== undefined && this.step(rank, action));
    return true;
  }

  private step(rank: number, action: Action): boolean {
    const position = this.positions[rank];
    assert(position !== undefined, `no rank ${rank}`);
    this.positions[rank] = position + 1;
    this.visit(rank, action);
    return true;
  }

  private current(rank: number): Action | undefined {
    return this.schedule.actions[rank]?.[this.positions[rank] ?? 0];
  }
}
