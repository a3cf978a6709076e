import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { LeasesRepository } from '../../ledger/runs/leases.repository';
import { ApiConfig } from '../../ground/config/api-config';

/** Compares what an agent says it runs with what it may run. */
@Injectable()
export class RunningAttemptsService {
  constructor(
    private readonly leases: LeasesRepository,
    private readonly config: ApiConfig,
  ) {}

  async renew(agentId: string, running: readonly agentV1.RunningAttempt[]): Promise<void> {
    await this.leases.renew(agentId, running, this.config.leaseMs);
  }

  /**
   * The fence in force for each attempt that the agent runs. It is the attempt's own while the agent has the lease.
   * Otherwise (the run has a newer attempt, is over, or was deleted) it is a higher one, which tells the agent to stop.
   */
  async current(agentId: string, running: readonly agentV1.RunningAttempt[]): Promise<agentV1.RunningAttempt[]> {
    if (running.length === 0) return [];
    const leases = await this.leases.ofAgents([agentId]);
    return running.map(({ runId, fence, step }) => {
      const lease = leases.find((each) => each.runId === runId);
      return { runId, step, threadSilentMs: 0, fence: lease ? Math.max(lease.fence, fence) : fence + 1 };
    });
  }
}
