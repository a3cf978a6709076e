import type { QueuedRun } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { ArrangedRun } from '../plans/run-plans.service';

/**
 * What one pass over the queue found out about a run: which of the devices that it was offered it takes. `none` means
 * that no split fits their memory.
 */
export type Arrangement = ArrangedRun | 'none';

/** Answers the scheduler from what is known, so that a plan is made only for the run that comes next. */
export class Arrangements {
  private readonly known = new Map<string, Arrangement>();
  private readonly placed = new Map<string, ArrangedRun>();

  note(runId: string, agents: readonly Pick<AgentWithLease, 'id'>[], arrangement: Arrangement): void {
    this.known.set(keyOf(runId, agents), arrangement);
    if (arrangement !== 'none') this.placed.set(runId, arrangement);
  }

  /** What the run takes, which is asked once it has devices; undefined if its layers are not arranged. */
  of(runId: string): ArrangedRun | undefined {
    return this.placed.get(runId);
  }

  /** Whether no split fits the memory of the devices that the run was offered. */
  fitsNone(runId: string): boolean {
    return [...this.known].some(([key, arrangement]) => arrangement === 'none' && key.startsWith(`${runId} `));
  }

  arranger(id: string): NonNullable<QueuedRun['arrange']> {
    return (devices) => {
      const known = this.known.get(keyOf(id, devices));
      if (known === undefined) return 'unknown';
      if (known === 'none') return undefined;
      return known.gang.map((agent) => agent.id);
    };
  }
}

function keyOf(runId: string, devices: readonly { readonly id: string }[]): string {
  return `${runId} ${devices.map(({ id }) => id).join(' ')}`;
}
