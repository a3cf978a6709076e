import { Injectable } from '@nestjs/common';
import { isFinal } from '@millrace/scheduler';
import { LeasesRepository } from '../attempts/leases.repository';
import { CheckpointWritesRepository } from '../checkpointing/checkpoint-writes.repository';
import { PrismaService } from '../database/prisma.service';
import { EventsService } from '../events/events.service';
import { runCheckpointInUse, runInUse, runNotFound } from './runs.errors';
import { RunsRepository } from './runs.repository';

/** Deletes runs that are over, with their metrics, logs, attempts and checkpoints; the blocks go with the next collection. */
@Injectable()
export class RunRemovalService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly runs: RunsRepository,
    private readonly leases: LeasesRepository,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly events: EventsService,
  ) {}

  /** @throws AppError RUN.NOT_FOUND, RUN.IN_USE, RUN.CHECKPOINT_IN_USE */
  async remove(id: string, actor: string): Promise<void> {
    await this.prisma.transaction(async (tx) => {
      const run = await this.runs.lock(tx, id);
      if (!run) throw runNotFound(id);
      const over = isFinal(run.state) || run.state === 'paused';
      if (!over || (await this.leases.ofRun(tx, id)).length > 0) throw runInUse(id, run.state);
      const ids = (await this.checkpoints.durableOf(tx, id)).map((checkpoint) => checkpoint.id);
      const users = (await this.runs.startingFrom(tx, ids)).filter(({ runId }) => runId !== id);
      const [user] = users;
      if (user) throw runCheckpointInUse(id, user.runId);
      await this.checkpoints.deleteOf(tx, id);
      await this.runs.delete(tx, id);
      await this.events.append(tx, { type: 'run.deleted', runId: id, subject: id, actor, data: { name: run.name, state: run.state } });
    });
  }
}
