import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { AttemptReportsService } from '../../ledger/attempts/attempt-reports.service';
import { BoundaryRequestsService } from '../../ledger/runs/boundary-requests.service';
import { LOGGER } from '../../ground/config/api-logger';
import { GenerationTasks } from '../../ledger/agents/generation-tasks';
import { isProfileCommand, ProfileRequestsService } from '../../planning/profiling/profile-requests.service';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { parseCommandId } from '../sessions/commands/desired-commands';

/** Handles the answers of agents to their commands. */
@Injectable()
export class CommandOutcomesService {
  constructor(
    private readonly reports: AttemptReportsService,
    private readonly boundaries: BoundaryRequestsService,
    private readonly generations: GenerationTasks,
    private readonly profiles: ProfileRequestsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async result(session: SessionIdentity, result: agentV1.CommandResult): Promise<void> {
    if (!result.ok) {
      const { commandId, errorCode, errorMessage } = result;
      this.logger.warn({ agent: session.agentId, commandId, errorCode, errorMessage }, 'command refused');
    }
    if (isProfileCommand(result.commandId)) return this.profiles.commandAnswered(session, result);
    const target = parseCommandId(result.commandId);
    if (target === undefined) return this.generations.commandAnswered(session.agentId, result);
    switch (target.kind) {
      case 'start':
        return this.reports.commandAnswered(session, target, result);
      case 'stop':
        // An agent that does not know the attempt does not run it either: that confirms the stop.
        return this.reports.stopConfirmed(session, target);
      case 'boundary':
        return result.ok ? this.boundaries.acknowledged(target, target.sequence) : undefined;
      default:
        target satisfies never;
    }
  }
}
