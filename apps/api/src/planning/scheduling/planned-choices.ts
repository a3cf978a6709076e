import { CHOICES_MAX, type KernelChoiceDocument } from '@millrace/contracts';
import type { PlannedChoices } from '../../ledger/runs/attempt-record';
import type { KindChoice } from '../profiling/kernel-choices.repository';

export interface ChoicesOfGang {
  /** The kind of each rank's device, index = rank. */
  readonly kinds: readonly string[];
  /** What was measured on these kinds. */
  readonly measured: readonly KindChoice[];
  /** Of the run's attempt before this one, which this one goes on with. */
  readonly before?: readonly PlannedChoices[] | undefined;
}

/**
 * The variants that the ranks of an attempt use, by kind of device: those of the attempt before, whatever was measured
 * since, and for other kernels and shapes what has been measured. Kinds without any are left out.
 */
export function plannedChoices({ kinds, measured, before = [] }: ChoicesOfGang): PlannedChoices[] {
  return [...new Set(kinds)].sort().flatMap((kind) => {
    const kept = before.find((each) => each.kind === kind)?.choices ?? [];
    const known = measured.filter((each) => each.kind === kind);
    const choices = new Map<string, KernelChoiceDocument>();
    for (const { kernel, bucket, form } of [...known, ...kept]) {
      choices.set(`${kernel} ${bucket}`, { kernel, bucket, form });
    }
    if (choices.size === 0) return [];
    const ranks = kinds.flatMap((each, rank) => (each === kind ? [rank] : []));
    const sorted = [...choices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, choice]) => choice);
    return [{ kind, ranks, choices: sorted.slice(0, CHOICES_MAX) }];
  });
}
