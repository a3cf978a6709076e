import { notLowered } from '../pipeline.errors';
import { transferOf } from '../lower/transfer';
import { peakMicroBatches, type PeakMicroBatches } from '../proof/in-flight';
import { deadlock } from '../proof/proof.errors';
import { walkSchedule } from '../proof/walk-schedule';
import type { Action } from '../schedule/action';
import type { Schedule } from '../schedule/schedule';
import { resolveTimes, type ScheduleTimes, type StageTimes } from './schedule-times';

/** A compute action on the clock of the simulated step, which begins at 0. */
export interface TimedAction {
  readonly action: Action;
  readonly start: number;
  readonly end: number;
}

export interface Simulation {
  /** Makespan: until the last rank ends its last compute action. REDUCE and STEP take no time here. */
  readonly stepTime: number;
  /** stepTime minus the time the rank computes. */
  readonly idlePerRank: readonly number[];
  /** The idle time between the rank's own first start and last end: what remains if no rank waits at a barrier. */
  readonly spanIdlePerRank: readonly number[];
  /** Idle / total time of all ranks. */
  readonly bubbleOfTotal: number;
  /** Idle / busy time of all ranks. */
  readonly bubbleOfIdeal: number;
  readonly peakMicroBatches: PeakMicroBatches;
  /** The compute actions of each rank, in order. */
  readonly actions: readonly (readonly TimedAction[])[];
}

/**
 * Plays a lowered schedule: a rank computes one action at a time, sends leave when their cell is reached and queue on
 * their link, and a compute action waits for what its RECV asked for. Throws PIPELINE.NOT_LOWERED, .TIMES_INVALID,
 * .DEADLOCK.
 */
export function simulateSchedule(lowered: Schedule, times: ScheduleTimes): Simulation {
  if (!lowered.lowered) throw notLowered(lowered.name);
  const clock = new StepClock(lowered.ranks, resolveTimes(lowered, times));
  const stuck = walkSchedule(lowered, Infinity, (rank, action) => clock.play(rank, action));
  if (stuck.length > 0) throw deadlock(lowered, Infinity, stuck);
  return { ...summarise(clock.actions), peakMicroBatches: peakMicroBatches(lowered), actions: clock.actions };
}

class StepClock {
  readonly actions: TimedAction[][];
  private readonly arrivals = new Map<string, number>();
  private readonly linkFree = new Map<string, number>();

  constructor(
    ranks: number,
    private readonly times: Required<StageTimes>,
  ) {
    this.actions = Array.from({ length: ranks }, () => []);
  }

  play(rank: number, action: Action): void {
    const free = this.actions[rank]?.at(-1)?.end ?? 0;
    const { kind, stage } = action;
    if (kind === 'F' || kind === 'I' || kind === 'W') {
      // [F+B] is one action: it begins when both of its tensors are there.
      const partner = action.overlaps === undefined ? 0 : this.arrivalFor({ ...action.overlaps, kind: 'I' });
      const start = Math.max(free, this.arrivalFor(action), partner);
      this.actions[rank]?.push({ action, start, end: start + (this.times.stages[stage]?.[kind] ?? 0) });
    }
    const transfer = transferOf(action);
    if (transfer?.isSend !== true) return;
    // A link carries one tensor at a time, in the order of the sends.
    const begin = Math.max(free, this.linkFree.get(transfer.channel) ?? 0);
    const link = this.times.links[Math.min(transfer.fromStage, transfer.toStage)];
    const arrival = begin + ((kind === 'SEND_F' ? link?.forward : link?.backward) ?? 0);
    this.linkFree.set(transfer.channel, arrival);
    this.arrivals.set(transfer.key, arrival);
  }

  /** When the tensor that an action needs has arrived; 0 for W, and for a tensor of a neighbour on the same rank. */
  private arrivalFor({ kind, stage, microBatch }: Action): number {
    if (kind === 'W') return 0;
    const needed = transferOf({ kind: kind === 'F' ? 'RECV_F' : 'RECV_B', stage, microBatch });
    return this.arrivals.get(needed?.key ?? '') ?? 0;
  }
}

type Summary = Omit<Simulation, 'peakMicroBatches' | 'actions'>;

function summarise(actions: readonly (readonly TimedAction[])[]): Summary {
  const stepTime = Math.max(0, ...actions.map((row) => row.at(-1)?.end ?? 0));
  const busy = actions.map((row) => row.reduce((sum, { start, end }) => sum + (end - start), 0));
  const idlePerRank = busy.map((time) => stepTime - time);
  const spanIdlePerRank = actions.map((row, rank) => (row.at(-1)?.end ?? 0) - (row[0]?.start ?? 0) - (busy[rank] ?? 0));
  const idleSum = sum(idlePerRank);
  const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    stepTime,
    idlePerRank,
    spanIdlePerRank,
    bubbleOfTotal: ratio(idleSum, stepTime * actions.length),
    bubbleOfIdeal: ratio(idleSum, sum(busy)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
