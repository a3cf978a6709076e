import { isFinal } from '@millrace/core';
import { Injectable } from '@nestjs/common';
import { CheckpointWritesRepository } from '../../ledger/blocks/checkpoint-writes.repository';
import { RemovedRunsRepository } from '../../ledger/expiry/removed-runs.repository';
import { RemovedRunsService } from '../../ledger/expiry/removed-runs.service';
import { RunLedger } from '../../ledger/runs/run-ledger';
import { runCheckpointInUse, runInUse, runNotFound } from '../../ledger/runs/runs.errors';
import { RunsRepository } from '../../ledger/runs/runs.repository';
import { LeasesRepository } from '../../ledger/runs/leases.repository';
import { EventsService } from '../../ground/events/events.service';

/**
 * Deletes runs that are over, with their attempts and checkpoints. Their metrics and logs, of which there may be
 * millions, cannot be read any more from then on and are deleted in batches; the blocks are deleted by the next
 * collection.
 */
@Injectable()
export class RunRemovalService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly runs: RunsRepository,
    private readonly leases: LeasesRepository,
    private readonly events: EventsService,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly removed: RemovedRunsRepository,
    private readonly records: RemovedRunsService,
  ) {}

  /** @throws AppError RUN.NOT_FOUND, RUN.IN_USE, RUN.CHECKPOINT_IN_USE */
  async remove(id: string, actor: string): Promise<void> {
    await this.ledger.changeQuietly(async (tx) => {
      const run = await this.ledger.lockRun(tx, id);
      if (!run) throw runNotFound(id);
      const over = isFinal(run.state) || run.state === 'paused';
      if (!over || (await this.leases.ofRun(tx, id)).length > 0) throw runInUse(id, run.state);
      const ids = (await this.checkpoints.durableOf(tx, id)).map((checkpoint) => checkpoint.id);
      const users = (await this.runs.startingFrom(tx, ids)).filter(({ runId }) => runId !== id);
      const [user] = users;
      if (user) throw runCheckpointInUse(id, user.runId);
      await this.checkpoints.deleteOf(tx, id);
      await this.runs.delete(tx, id);
      await this.removed.add(tx, id);
      await this.events.append(tx, {
        type: 'run.deleted',
        runId: id,
        subject: id,
        actor,
        action: 'run.delete',
        data: { name: run.name, state: run.state },
      });
    });
    this.records.begin();
  }
}
