import type { PlanDetails } from '../describe-layout';
import { bytesText } from '@millrace/core';
import { percentText, secondsText } from './plan-text';

/** Differences below this are noise of the measurements. */
const NOTABLE = 0.001;

/** One sentence with the numbers that decide against `loser`. */
export function whyLost(loser: PlanDetails, winner: PlanDetails, adviceOnly = false): string {
  const short = memoryShortage(loser);
  if (short !== undefined) return short;
  const slower = loser.stepSeconds / winner.stepSeconds - 1;
  const step = secondsText(loser.stepSeconds);
  if (adviceOnly && slower < -NOTABLE) {
    return `${step}, ${percentText(-slower)} less than the plan, but it is not what was asked for`;
  }
  if (isSame(loser, winner)) return 'the same as the plan';
  if (slower < -NOTABLE) return `${step}, ${percentText(-slower)} less, but the plan comes first in the order asked`;
  if (slower <= NOTABLE)
    return `${step}, within ${percentText(NOTABLE)} of the plan, which comes first in the order asked`;
  const [slow, fast] = [slowestRank(loser), slowestRank(winner)];
  if (slow.busySeconds > fast.busySeconds * (1 + NOTABLE)) {
    return (
      `${step}, ${percentText(slower)} slower: rank ${slow.rank} on ${slow.label} computes ` +
      `${secondsText(slow.busySeconds)}, the plan's slowest ${secondsText(fast.busySeconds)}`
    );
  }
  return (
    `${step}, ${percentText(slower)} slower: idle ${percentText(loser.bubbleOfTotal)} of the time, ` +
    `the plan ${percentText(winner.bubbleOfTotal)}`
  );
}

function isSame(a: PlanDetails, b: PlanDetails): boolean {
  const text = ({ setting, layersPerStage, devices }: PlanDetails): string =>
    JSON.stringify([setting, layersPerStage, devices]);
  return text(a) === text(b);
}

/** Undefined when everything fits. */
export function memoryShortage({ ranks }: PlanDetails): string | undefined {
  const short = ranks
    .filter(({ memory, availableBytes = Infinity }) => memory.total > availableBytes)
    .sort((a, b) => b.memory.total - b.availableBytes! - (a.memory.total - a.availableBytes!))[0];
  if (short === undefined) return undefined;
  const { rank, label, memory, availableBytes = Infinity } = short;
  return (
    `rank ${rank} on ${label} would need ${bytesText(memory.total)}, of which ${bytesText(memory.activations)} ` +
    `activations, and lacks ${bytesText(memory.total - availableBytes)}`
  );
}

function slowestRank({ ranks }: PlanDetails): PlanDetails['ranks'][number] {
  return ranks.reduce((slowest, rank) => (rank.busySeconds > slowest.busySeconds ? rank : slowest));
}
