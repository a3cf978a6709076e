import { transferOf } from '../lower/transfer';
import type { Schedule } from '../schedule/schedule';

/** How far a sender can run ahead of its receiver on one channel. */
export interface BufferBound {
  readonly fromStage: number;
  readonly toStage: number;
  /** How many tensors can be sent and not yet received, whatever the timing. More credits than this are never used. */
  readonly slots: number;
}

/**
 * For each channel, the largest number of tensors under way. When rank a sends to rank b, b has certainly received what
 * stands in its list before the last SEND from b that a has received. This bound holds for any timing, and is exact if
 * only neighbours exchange tensors.
 */
export function bufferBounds(lowered: Schedule): BufferBound[] {
  const places = indexTransfers(lowered);
  const bounds = new Map<string, { bound: BufferBound; sent: number; received: number }>();
  lowered.actions.forEach((row) => {
    const knownUntil = new Map<number, number>();
    for (const action of row) {
      const transfer = transferOf(action);
      if (transfer === undefined) continue;
      const { fromStage, toStage, channel, key } = transfer;
      if (!transfer.isSend) {
        knownUntil.set(lowered.rankOfStage[fromStage] ?? 0, places.sends.get(key) ?? 0);
        continue;
      }
      const entry = bounds.get(channel) ?? { bound: { fromStage, toStage, slots: 0 }, sent: 0, received: 0 };
      const receives = places.receives.get(channel) ?? [];
      const known = knownUntil.get(lowered.rankOfStage[toStage] ?? 0) ?? -1;
      let { received } = entry;
      while ((receives[received] ?? Infinity) < known) received += 1;
      const slots = Math.max(entry.bound.slots, entry.sent + 1 - received);
      bounds.set(channel, { bound: { fromStage, toStage, slots }, sent: entry.sent + 1, received });
    }
  });
  return [...bounds.values()].map(({ bound }) => bound);
}

interface Places {
  /** Position of each SEND in its rank's list, by key. */
  readonly sends: Map<string, number>;
  /** Positions of the RECVs of a channel, ascending. */
  readonly receives: Map<string, number[]>;
}

function indexTransfers(lowered: Schedule): Places {
  const places: Places = { sends: new Map(), receives: new Map() };
  for (const row of lowered.actions) {
    row.forEach((action, position) => {
      const transfer = transferOf(action);
      if (transfer === undefined) return;
      if (transfer.isSend) places.sends.set(transfer.key, position);
      else places.receives.set(transfer.channel, append(places.receives.get(transfer.channel), position));
    });
  }
  return places;
}

function append(list: number[] | undefined, value: number): number[] {
  if (list === undefined) return [value];
  list.push(value);
  return list;
}
