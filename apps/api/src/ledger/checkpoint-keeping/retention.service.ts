import { Injectable } from '@nestjs/common';
import { AttemptsRepository } from '../runs/attempts.repository';
import type { Transaction } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import type { RunRecord } from '../runs/run-record';
import { RunsRepository } from '../runs/runs.repository';
import { CheckpointWritesRepository } from '../blocks/checkpoint-writes.repository';

/**
 * Keeps the last `keepCheckpoints` checkpoints of a run. The newest is the final one, so that this one always stays.
 */
@Injectable()
export class RetentionService {
  constructor(
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly events: EventsService,
  ) {}

  /**
   * Called in the transaction that published the newest checkpoint. Checkpoints that a run starts from, or that an
   * attempt resumed from, stay.
   */
  async apply(tx: Transaction, run: RunRecord): Promise<void> {
    const old = (await this.checkpoints.durableOf(tx, run.id)).slice(run.spec.train.keepCheckpoints);
    const ids = old.map(({ id }) => id);
    if (ids.length === 0) return;
    // A run that is being submitted may start from one of them: whichever transaction locks first is seen by the other.
    await this.checkpoints.lockForDeletion(tx, ids);
    const used = new Set([
      ...(await this.runs.startingFrom(tx, ids)).map(({ checkpointId }) => checkpointId),
      ...(await this.attempts.resumedFrom(tx, ids)),
    ]);
    const deleted = old.filter(({ id }) => !used.has(id));
    await this.checkpoints.delete(
      tx,
      deleted.map(({ id }) => id),
    );
    for (const { id, step } of deleted) {
      await this.events.append(tx, {
        type: 'run.checkpoint',
        runId: run.id,
        subject: id,
        actor: 'system',
        data: { step, state: 'deleted', reason: 'keepCheckpoints' },
      });
    }
  }
}
