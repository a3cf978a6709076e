import type { Metadata } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { roleForbidden } from '../../auth/auth.errors';
import { GrpcCaller } from '../grpc-caller';

/** Who may do what to runs over gRPC: the same as over REST. Each answers the token's id, the actor of what is done. */
@Injectable()
export class RunAccess {
  constructor(private readonly caller: GrpcCaller) {}

  /** @throws AppError AUTH.* */
  async toRead(metadata: Metadata): Promise<string> {
    return this.admin(metadata);
  }

  async toSubmit(metadata: Metadata, _project: string): Promise<string> {
    return this.admin(metadata);
  }

  async toSteer(metadata: Metadata, _runId: string): Promise<string> {
    return this.admin(metadata);
  }

  private async admin(metadata: Metadata): Promise<string> {
    const { role, tokenId } = await this.caller.authenticate(metadata);
    if (role !== 'admin') throw roleForbidden(role);
    return tokenId;
  }
}
