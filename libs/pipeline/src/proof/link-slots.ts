import type { Schedule } from '../schedule/schedule';
import { walkSchedule } from './walk-schedule';

/** The fewest tensors that every link must hold so that no timing deadlocks, at most `linkSlotsLimit`. */
export function linkSlots(lowered: Schedule): number {
  const enough = (slots: number): boolean => walkSchedule(lowered, slots).length === 0;
  if (enough(0)) return 0;
  // More room never makes a network of such links stop, so that the search may halve.
  let [tooFew, fine] = [0, lowered.linkSlotsLimit];
  for (let slots = 1; slots < fine && !enough(slots); slots *= 2) tooFew = slots;
  fine = Math.min(fine, Math.max(1, 2 * tooFew));
  while (fine - tooFew > 1) {
    const middle = Math.floor((tooFew + fine) / 2);
    if (enough(middle)) fine = middle;
    else tooFew = middle;
  }
  return fine;
}
