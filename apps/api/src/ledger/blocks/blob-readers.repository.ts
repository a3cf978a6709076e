import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../ground/database/prisma.service';

/** The owner of the holds on what an agent reads for a generation. No run's id has a colon. */
export const generationHolder = (agentId: string): string => `agent:${agentId}`;

/** Decides what an agent may read of the block store: what its own work needs, and nothing that belongs to others. */
@Injectable()
export class BlobReadersRepository {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * An agent may read the dataset of the run that holds its device, the checkpoint that the attempt began from, what
   * the attempt itself has uploaded, and the weights of a generation that it was given.
   */
  async mayRead(agentId: string, sha256: string): Promise<boolean> {
    const holder = generationHolder(agentId);
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
          WHERE h."owner" = ${holder} AND h."sha256" = ${sha256} AND h."until" > millrace_now()) AS "allowed"`;
    return rows[0]?.allowed === true;
  }
}
