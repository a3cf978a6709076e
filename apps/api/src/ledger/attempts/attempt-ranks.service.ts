import { Injectable } from '@nestjs/common';
import { INT4_MAX, storableText } from '@millrace/contracts';
import { rankOf } from '../runs/attempt-record';
import { AttemptsRepository } from '../runs/attempts.repository';
import type { FencedRun } from '../runs/leases.repository';

const REMEMBERED_MAX = 1_000;

/** Finds out which rank of an attempt an agent is. */
@Injectable()
export class AttemptRanksService {
  /** The ranks of an attempt are chosen when it is made and never change, so that a found rank may be remembered. */
  private readonly known = new Map<string, number>();

  constructor(private readonly attempts: AttemptsRepository) {}

  /** Undefined when the agent is no rank of the attempt, which may be over. */
  async of(agentId: string, { runId, fence }: FencedRun): Promise<number | undefined> {
    // Both values come from the agent and may be anything.
    if (!Number.isInteger(fence) || Math.abs(fence) > INT4_MAX || !storableText.safeParse(runId).success)
      return undefined;
    const key = `${runId} ${fence} ${agentId}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const [attempt] = await this.attempts.statuses([{ runId, fence }]);
    const rank = attempt && rankOf(attempt, agentId);
    if (rank === undefined) return undefined;
    if (this.known.size >= REMEMBERED_MAX) this.known.clear();
    this.known.set(key, rank);
    return rank;
  }
}
