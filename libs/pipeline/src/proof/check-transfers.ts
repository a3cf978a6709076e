import { orderBroken, receiveOrderBroken, transferUnmatched } from './proof.errors';
import { computeAt, transferOf } from '../lower/transfer';
import type { Action } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import type { Cell } from '../schedule/cell';
import type { Schedule } from '../schedule/schedule';
import { type IndexedRow, positionOf } from './indexed-row';

interface Half {
  readonly cell: Cell;
  readonly key: string;
}

interface Channels {
  /** Per channel, in the order of the list. */
  readonly sends: Map<string, Half[]>;
  readonly receives: Map<string, Half[]>;
}

/**
 * Every tensor that crosses ranks is sent once, after it is made, and received once, before it is needed; on each
 * channel (direction, pair of stages) the receives stand in the order of the sends.
 */
export function checkTransfers(rows: readonly IndexedRow[]): void {
  const channels: Channels = { sends: new Map(), receives: new Map() };
  for (const row of rows) {
    const { lowered, rank } = row;
    (lowered.actions[rank] ?? []).forEach((action, position) => {
      checkBesideCompute(row, position, action);
      collect(channels, { rank, position }, action);
    });
  }
  const [{ lowered }] = rows as [IndexedRow];
  for (const channel of new Set([...channels.sends.keys(), ...channels.receives.keys()])) {
    checkChannel(lowered, channels.sends.get(channel) ?? [], channels.receives.get(channel) ?? []);
  }
  checkComplete(rows);
}

function checkBesideCompute({ lowered, rank, positions }: IndexedRow, position: number, action: Action): void {
  const transfer = transferOf(action);
  if (transfer === undefined) return;
  const compute = positions.get(formatAction(computeAt(action, action.stage))) ?? -1;
  const word = transfer.isSend ? 'stands before what makes its tensor' : 'stands after what needs its tensor';
  const broken = transfer.isSend ? position < compute : position > compute;
  if (broken) throw orderBroken(lowered, { rank, position }, word);
}

function collect(channels: Channels, cell: Cell, action: Action): void {
  const transfer = transferOf(action);
  if (transfer === undefined) return;
  const side = transfer.isSend ? channels.sends : channels.receives;
  const list = side.get(transfer.channel) ?? [];
  list.push({ cell, key: transfer.key });
  side.set(transfer.channel, list);
}

function checkChannel(lowered: Schedule, sends: readonly Half[], receives: readonly Half[]): void {
  const sent = new Set(sends.map(({ key }) => key));
  const received = new Set(receives.map(({ key }) => key));
  const lostSend = sends.find(({ key }) => !received.has(key));
  if (lostSend !== undefined) throw transferUnmatched(lowered, lostSend.cell, 'no rank receives it');
  const lostReceive = receives.find(({ key }) => !sent.has(key));
  if (lostReceive !== undefined) throw transferUnmatched(lowered, lostReceive.cell, 'no rank sends it');
  const swapped = receives.findIndex(({ key }, index) => sends[index]?.key !== key);
  const [receive, send] = [receives[swapped], sends[swapped]];
  if (receive !== undefined && send !== undefined) throw receiveOrderBroken(lowered, receive.cell, send.cell);
}

/** A send and its receive may both be gone: every edge between ranks needs one per micro-batch. */
function checkComplete(rows: readonly IndexedRow[]): void {
  for (const row of rows) {
    const { lowered, rank } = row;
    const { microBatches, rankOfStage, stages } = lowered;
    for (const stage of lowered.stagesOfRank[rank] ?? []) {
      const fromBefore = stage > 0 && rankOfStage[stage - 1] !== rank;
      const fromAfter = stage + 1 < stages && rankOfStage[stage + 1] !== rank;
      for (let microBatch = 0; microBatch < microBatches; microBatch++) {
        if (fromBefore) positionOf(row, { kind: 'RECV_F', stage, microBatch });
        if (fromAfter) positionOf(row, { kind: 'RECV_B', stage, microBatch });
      }
    }
  }
}
