import type { Metadata } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { ProjectAccessService } from '../../../ledger/runs/project-access.service';
import { assertAccess, type AccessRule } from '../../../ground/auth/access';
import type { Principal } from '../../../ground/auth/principal';
import { GrpcCaller } from '../grpc-caller';

const READS: AccessRule = { role: 'viewer', scope: 'read' };
const STEERS: AccessRule = { role: 'member', scope: 'runs' };

/**
 * Who may do what to runs over gRPC, which is the same as over REST. Methods that return a string return the token's
 * id, which the audit names as the actor.
 */
@Injectable()
export class RunAccess {
  constructor(
    private readonly caller: GrpcCaller,
    private readonly projects: ProjectAccessService,
  ) {}

  /** @throws AppError AUTH.* */
  async toRead(metadata: Metadata): Promise<string> {
    return (await this.principal(metadata, READS)).tokenId;
  }

  /** Checked before the document is parsed, when its project is not known yet. @throws AppError AUTH.* */
  async toSubmitAny(metadata: Metadata): Promise<Principal> {
    return this.principal(metadata, STEERS);
  }

  async toSubmit(principal: Principal, project: string): Promise<string> {
    await this.projects.assertMember(principal, project);
    return principal.tokenId;
  }

  /** @throws AppError AUTH.*, RUN.NOT_FOUND */
  async toSteer(metadata: Metadata, runId: string): Promise<string> {
    const principal = await this.principal(metadata, STEERS);
    await this.projects.assertMaySteer(principal, runId);
    return principal.tokenId;
  }

  private async principal(metadata: Metadata, rule: AccessRule): Promise<Principal> {
    const principal = await this.caller.anybody(metadata);
    assertAccess(principal, rule);
    return principal;
  }
}
