import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AgentsRepository, type SequenceOutcome } from '../../ledger/agents/agents.repository';
import { AttemptProgressService } from '../../ledger/attempts/attempt-progress.service';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { LogsRepository } from '../../ledger/logs/logs.repository';
import { MetricsRepository } from '../../ledger/metrics/metrics.repository';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { sessionSuperseded } from '../../ledger/sessions/sessions.errors';

const KNOWN_RUNNING_MAX = 1_000;

/**
 * Stores batches of metrics and logs, each once: the batch and the agent's sequence are committed together, so that a
 * batch that comes again after a lost acknowledgement is recognised. Points of an old fence are dropped, but
 * acknowledged.
 */
@Injectable()
export class MetricsAndLogsService {
  /** Attempts of which this process has seen a metric: it saves a query for every further batch. */
  private readonly knownRunning = new Set<string>();

  constructor(
    private readonly prisma: PrismaService,
    private readonly agents: AgentsRepository,
    private readonly metrics: MetricsRepository,
    private readonly logs: LogsRepository,
    private readonly progress: AttemptProgressService,
  ) {}

  /** When it resolves, the batch may be acknowledged. @throws AppError SESSION.SUPERSEDED */
  async storeMetrics(session: SessionIdentity, { sequence, runId, fence, points }: agentV1.MetricBatch): Promise<void> {
    const attemptKey = `${runId} ${fence}`;
    await this.once(
      session,
      (tx) => this.agents.advanceMetrics(tx, session, sequence),
      async (tx) => {
        const stored = await this.metrics.store(tx, { runId, fence, points });
        if (stored && points.length > 0 && !this.knownRunning.has(attemptKey)) {
          await this.progress.metricsArrived(tx, { runId, fence }, session.agentId);
        }
      },
    );
    if (this.knownRunning.size >= KNOWN_RUNNING_MAX) this.knownRunning.clear();
    if (points.length > 0) this.knownRunning.add(attemptKey);
  }

  async storeLogs(session: SessionIdentity, { sequence, runId, fence, lines }: agentV1.LogBatch): Promise<void> {
    await this.once(
      session,
      (tx) => this.agents.advanceLogs(tx, session, sequence),
      async (tx) => {
        await this.logs.store(tx, { runId, fence, agent: session.agentId, lines });
      },
    );
  }

  private async once(
    session: SessionIdentity,
    advance: (tx: Transaction) => Promise<SequenceOutcome>,
    store: (tx: Transaction) => Promise<void>,
  ): Promise<void> {
    const outcome = await this.prisma.transaction(async (tx) => {
      const advanced = await advance(tx);
      if (advanced === 'new') await store(tx);
      return advanced;
    });
    if (outcome === 'superseded') throw sessionSuperseded(session.agentId, session.epoch);
  }
}
