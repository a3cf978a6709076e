import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { AgentsRepository } from '../agents/agents.repository';
import { CLOCK } from '../../ground/config/api-logger';
import { RunLedger } from '../runs/run-ledger';
import type { SessionIdentity } from '../sessions/agent-session';
import { isLive, rankOf } from '../runs/attempt-record';
import { AttemptsRepository } from '../runs/attempts.repository';
import { EventsService } from '../../ground/events/events.service';

/** At most one report of a rank becomes an event in this time, however many its agent sends. */
const INTERVAL_MS = 4000;
const REMEMBERED_MAX = 1000;
const TEXT_LENGTH_MAX = 200;

/**
 * Tells in a run's events that a stage is stuck: which rank waits for which, in which action, since when, and what last
 * came from the rank that it waits for.
 */
@Injectable()
export class StageWaitsService {
  /** The monotonic time of the last event about each rank of an attempt, in the order of their first events. */
  private readonly toldAtMs = new Map<string, number>();

  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly events: EventsService,
    private readonly agents: AgentsRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Drops a report of an old fence, of an old session, or about a rank that is not this agent's. */
  async report(session: SessionIdentity, waiting: agentV1.StageWaiting): Promise<void> {
    const key = `${waiting.runId} ${waiting.fence} ${session.agentId}`;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - (this.toldAtMs.get(key) ?? -Infinity) < INTERVAL_MS) return;
    if (await this.tell(session, waiting)) this.remember(key, nowMs);
  }

  private tell(session: SessionIdentity, waiting: agentV1.StageWaiting): Promise<boolean> {
    return this.ledger.changeQuietly(async (tx) => {
      if (!(await this.agents.isCurrent(tx, session))) return false;
      const attempt = await this.attempts.find(tx, waiting);
      if (!attempt || !isLive(attempt.state) || rankOf(attempt, session.agentId) !== waiting.rank) return false;
      const { rank, forRank, action, lastFrame, lastFrameAgeMs, waitedMs, fence } = waiting;
      await this.events.append(tx, {
        type: 'run.stage_waiting',
        runId: waiting.runId,
        subject: attempt.id,
        actor: session.agentId,
        data: {
          fence,
          rank,
          agent: session.agentId,
          action: plainText(action),
          forRank,
          forAgent: attempt.ranks[forRank]?.agent ?? null,
          lastFrame: lastFrame === '' ? null : plainText(lastFrame),
          lastFrameAgeMs: lastFrame === '' ? null : Math.round(lastFrameAgeMs),
          waitedMs: Math.round(waitedMs),
        },
      });
      return true;
    });
  }

  private remember(key: string, nowMs: number): void {
    if (this.toldAtMs.size >= REMEMBERED_MAX) this.toldAtMs.clear();
    this.toldAtMs.set(key, nowMs);
  }
}

/** Makes a text storable: Postgres stores neither NUL nor half a surrogate pair, which cutting may leave. */
function plainText(text: string): string {
  return text.slice(0, TEXT_LENGTH_MAX).replace(/[\0\p{Surrogate}]/gu, ' ');
}
