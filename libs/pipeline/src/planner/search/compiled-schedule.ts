import { assert } from '@millrace/core';
import { transferOf } from '../../lower/transfer';
import { type SlotSpans, slotSpans } from '../../proof/slot-spans';
import type { Action } from '../../schedule/action';
import type { Schedule } from '../../schedule/schedule';

/** Fields of one entry of `CompiledSchedule.entries`. */
const FIELDS = 5;
const COMPUTE = 0;
const SEND = 1;
const NONE = -1;

/** Durations at `stage * 3 + KIND_OFFSET[kind]`, link times at `stage * 2 + direction` of the lower stage. */
export const KIND_OFFSET = { F: 0, I: 1, W: 2 } as const;

/**
 * A lowered schedule as a flat list in an order that respects every dependency, so that its step time can be computed
 * thousands of times while a plan is searched. It computes what simulateSchedule does, without maps and records.
 */
export class CompiledSchedule {
  private readonly entries: Int32Array;
  private readonly free: Float64Array;
  private readonly arrivals: Float64Array;
  private readonly linkFree: Float64Array;
  /** Per stage, for how many micro-batches there must be room at once. */
  readonly slots: SlotSpans;

  constructor(readonly schedule: Schedule) {
    const compiler = new Compiler();
    const positions = schedule.actions.map(() => 0);
    const advance = (rank: number): boolean => {
      const action = schedule.actions[rank]![positions[rank]!];
      if (action === undefined || !compiler.add(rank, action)) return false;
      positions[rank]! += 1;
      return true;
    };
    for (let moved = true; moved;) {
      moved = false;
      for (let rank = 0; rank < schedule.ranks; rank++) while (advance(rank)) moved = true;
    }
    const done = positions.every((position, rank) => position === schedule.actions[rank]!.length);
    assert(done, `schedule ${schedule.name} is stuck, and was not proved before it was compiled`);
    this.entries = Int32Array.from(compiler.entries);
    this.free = new Float64Array(schedule.ranks);
    this.arrivals = new Float64Array(compiler.transfers.size);
    this.linkFree = new Float64Array(compiler.channels.size);
    this.slots = slotSpans(schedule);
  }

  /** How many actions a step time has to go through. */
  get length(): number {
    return this.entries.length / FIELDS;
  }

  /**
   * Returns the makespan. `durations` has 3 entries per stage, `links` 2 (forward, backward) per pair of neighbours.
   */
  stepTime(durations: Float64Array, links: Float64Array): number {
    const { entries, free, arrivals, linkFree } = this;
    free.fill(0);
    linkFree.fill(0);
    for (let at = 0; at < entries.length; at += FIELDS) {
      const rank = entries[at + 1]!;
      const now = free[rank]!;
      const arrival = entries[at + 3]!;
      if (entries[at] === COMPUTE) {
        const begin = arrival === NONE ? now : Math.max(now, arrivals[arrival]!);
        free[rank] = begin + durations[entries[at + 2]!]!;
      } else {
        const channel = entries[at + 4]!;
        const end = Math.max(now, linkFree[channel]!) + links[entries[at + 2]!]!;
        linkFree[channel] = end;
        arrivals[arrival] = end;
      }
    }
    let last = 0;
    for (const end of free) last = Math.max(last, end);
    return last;
  }
}

/** Gives numbers to what the simulator names by text. */
class Compiler {
  readonly entries: number[] = [];
  readonly transfers = new Map<string, number>();
  readonly channels = new Map<string, number>();

  /** Returns false when the action receives something that was not sent yet. */
  add(rank: number, action: Action): boolean {
    const { kind, stage, microBatch } = action;
    if (kind === 'F' || kind === 'I' || kind === 'W') {
      const receive = kind === 'F' ? 'RECV_F' : 'RECV_B';
      const needed = kind === 'W' ? undefined : transferOf({ kind: receive, stage, microBatch });
      const arrival = (needed && this.transfers.get(needed.key)) ?? NONE;
      this.entries.push(COMPUTE, rank, stage * 3 + KIND_OFFSET[kind], arrival, NONE);
    }
    const transfer = transferOf(action);
    if (transfer === undefined) return true;
    if (!transfer.isSend) return this.transfers.has(transfer.key);
    const link = 2 * Math.min(transfer.fromStage, transfer.toStage) + (kind === 'SEND_F' ? 0 : 1);
    const [key, channel] = [numbered(this.transfers, transfer.key), numbered(this.channels, transfer.channel)];
    this.entries.push(SEND, rank, link, key, channel);
    return true;
  }
}

function numbered(numbers: Map<string, number>, key: string): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}
