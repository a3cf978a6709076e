import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { isLive, rankOf } from '../../ledger/runs/attempt-record';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { DatabaseClock } from '../../ground/database/database-clock';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { LinkProfilesRepository } from './link-profiles.repository';
import { linkInvalid } from './profiling.errors';

/** Stores what agents measured of their links when an attempt began. */
@Injectable()
export class LinkReportsService {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly links: LinkProfilesRepository,
    private readonly time: DatabaseClock,
  ) {}

  /**
   * Drops the report if the attempt is over or one of the agents is not in it. @throws AppError PROFILE.LINK_INVALID
   */
  async measured({ agentId }: SessionIdentity, link: agentV1.LinkMeasured): Promise<void> {
    const { latencySeconds, bytesPerSecond } = link;
    if (!(latencySeconds >= 0 && latencySeconds < Infinity && bytesPerSecond > 0 && bytesPerSecond < Infinity))
      throw linkInvalid(latencySeconds, bytesPerSecond);
    const [attempt] = await this.attempts.statuses([link]);
    const toAgent = attempt?.ranks[link.toRank]?.agent;
    if (!attempt || !isLive(attempt.state) || toAgent === undefined) return;
    if (rankOf(attempt, agentId) === undefined || toAgent === agentId) return;
    await this.links.store({ fromAgent: agentId, toAgent, latencySeconds, bytesPerSecond }, await this.time.now());
  }
}
