import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

/** What the owners of an agent's holds for generations begin with. No id of a run or an agent has a colon. */
const holdersOf = (agentId: string): string => `agent:${agentId}:`;
/** The owner of the holds on what an agent reads for one generation. */
export const generationHolder = (agentId: string, taskId: string): string => holdersOf(agentId) + taskId;

/** Decides what an agent may read of the block store: what its own work needs, and nothing that belongs to others. */
@Injectable()
export class BlobReadersRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * An agent may read the dataset of the run that holds its device, the checkpoint that the attempt began from, what
   * the attempt itself has uploaded, and the weights of the generations that it was given.
   */
  async mayRead(agentId: string, sha256: string): Promise<boolean> {
    const rows = await this.prisma.$queryRaw<{ allowed: boolean }[]>`
      SELECT
        EXISTS (SELECT 1 FROM "Lease" l JOIN "Run" r ON r."id" = l."runId" JOIN "Dataset" d ON d."id" = r."datasetId"
          WHERE l."agentId" = ${agentId} AND d."sha256" = ${sha256})
        OR EXISTS (SELECT 1 FROM "Lease" l JOIN "Attempt" a ON a."runId" = l."runId" AND a."fence" = l."fence"
          JOIN "CheckpointBlock" b ON b."checkpointId" = a."plan" ->> 'resumeCheckpointId'
          WHERE l."agentId" = ${agentId} AND b."sha256" = ${sha256})
        OR EXISTS (SELECT 1 FROM "Lease" l JOIN "BlockHold" h ON h."owner" = l."runId" AND h."fence" = l."fence"
          WHERE l."agentId" = ${agentId} AND h."sha256" = ${sha256})
        OR EXISTS (SELECT 1 FROM "BlockHold" h
          WHERE starts_with(h."owner", ${holdersOf(agentId)}) AND h."sha256" = ${sha256}
            AND h."until" > millrace_now()) AS "allowed"`;
    return rows[0]?.allowed === true;
  }
}
