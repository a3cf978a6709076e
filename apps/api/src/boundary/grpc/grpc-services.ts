import type { Server } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { agentV1, blobV1, healthV1, reflectionV1, reflectionV1alpha, runV1 } from '@millrace/contracts';
import { AgentServiceAdapter } from './agent-service.adapter';
import { BlobServiceAdapter } from './blob-service.adapter';
import { HealthServiceAdapter } from './health-service.adapter';
import { ReflectionServiceAdapter } from './reflection/reflection-service.adapter';
import { RunServiceAdapter } from './runs/run-service.adapter';

/** All services that are served over gRPC. */
@Injectable()
export class GrpcServices {
  constructor(
    private readonly agents: AgentServiceAdapter,
    private readonly blobs: BlobServiceAdapter,
    private readonly runs: RunServiceAdapter,
    private readonly health: HealthServiceAdapter,
    private readonly reflection: ReflectionServiceAdapter,
  ) {}

  addTo(server: Server): void {
    server.addService(agentV1.AgentServiceService, this.agents.handlers);
    server.addService(blobV1.BlobServiceService, this.blobs.handlers);
    server.addService(runV1.RunServiceService, this.runs.handlers);
    server.addService(healthV1.HealthService, { check: this.health.check, watch: this.health.watch });
    const { serverReflectionInfo } = this.reflection;
    server.addService(reflectionV1.ServerReflectionService, { serverReflectionInfo });
    server.addService(reflectionV1alpha.ServerReflectionService, { serverReflectionInfo });
  }

  /** Ends the calls that would otherwise never end: watches and sessions. */
  async close(): Promise<void> {
    this.health.stopServing();
    this.runs.endWatches();
    await this.agents.closeSessions();
  }
}
