import { Inject, Injectable } from '@nestjs/common';
import { type agentV1, measuredChoiceSchema } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { LOGGER } from '../../ground/config/api-logger';
import { DatabaseClock } from '../../ground/database/database-clock';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { isLive, rankOf } from '../../ledger/runs/attempt-record';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { deviceKind } from './device-kind';
import { KernelChoicesRepository } from './kernel-choices.repository';
import { LinkProfilesRepository } from './link-profiles.repository';
import { choiceInvalid, linkInvalid } from './profiling.errors';

/** Stores what ranks measure while an attempt begins: their links, and which variants of kernels are fastest. */
@Injectable()
export class StartMeasurementsService {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly agents: AgentsRepository,
    private readonly links: LinkProfilesRepository,
    private readonly choices: KernelChoicesRepository,
    private readonly time: DatabaseClock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Drops the report if the attempt is over or one of the agents is not in it. @throws AppError PROFILE.LINK_INVALID
   */
  async link({ agentId }: SessionIdentity, link: agentV1.LinkMeasured): Promise<void> {
    const { latencySeconds, bytesPerSecond } = link;
    if (!(latencySeconds >= 0 && latencySeconds < Infinity && bytesPerSecond > 0 && bytesPerSecond < Infinity))
      throw linkInvalid(latencySeconds, bytesPerSecond);
    const [attempt] = await this.attempts.statuses([link]);
    const toAgent = attempt?.ranks[link.toRank]?.agent;
    if (!attempt || !isLive(attempt.state) || toAgent === undefined) return;
    if (rankOf(attempt, agentId) === undefined || toAgent === agentId) return;
    await this.links.store({ fromAgent: agentId, toAgent, latencySeconds, bytesPerSecond }, await this.time.now());
  }

  /**
   * Keeps the choices for later attempts on the same kind of device. @throws AppError PROFILE.CHOICE_INVALID, where one
   * of them cannot be used
   */
  async kernelChoices({ agentId }: SessionIdentity, { choices: reported }: agentV1.KernelChoices): Promise<void> {
    const choices = reported.map((choice, index) => {
      const parsed = measuredChoiceSchema.safeParse(choice);
      if (!parsed.success) throw choiceInvalid(index, parsed.error.issues.map(({ message }) => message).join('; '));
      return parsed.data;
    });
    const device = (await this.agents.devices()).find(({ id }) => id === agentId);
    if (device === undefined || choices.length === 0) return;
    const kind = deviceKind(device);
    const added = await this.choices.add(kind, choices, { agentId, measuredAt: await this.time.now() });
    if (added > 0) this.logger.info({ agent: agentId, kind, choices: added }, 'variants of kernels were chosen');
  }
}
