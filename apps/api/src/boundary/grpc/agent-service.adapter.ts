import type { handleBidiStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { describeError } from '@millrace/core';
import { AgentEnrolmentService } from '../../requests/agents/agent-enrolment.service';
import { agentForbidden } from '../../ground/auth/auth.errors';
import { failedCall } from './failures/failed-call';
import { ClusterContext } from '../../ground/config/cluster-context';
import { SessionRegistry } from '../../ledger/sessions/session-registry';
import { SessionMessagesService } from '../../intake/messages/session-messages.service';
import { SessionsService } from '../../intake/sessions/sessions.service';
import { GrpcCaller } from './grpc-caller';
import { SessionConnection } from './session-connection';

/** AgentService over gRPC: carries messages, decides nothing. */
@Injectable()
export class AgentServiceAdapter {
  constructor(
    private readonly caller: GrpcCaller,
    private readonly enrolment: AgentEnrolmentService,
    private readonly opening: SessionsService,
    private readonly messages: SessionMessagesService,
    private readonly registry: SessionRegistry,
    private readonly context: ClusterContext,
  ) {}

  readonly session: handleBidiStreamingCall<agentV1.AgentMessage, agentV1.ApiMessage> = (call) => {
    const { clock, config } = this.context;
    const connection: SessionConnection = new SessionConnection(call, {
      clock,
      heartbeatMs: config.heartbeatMs,
      silentMs: config.leaseMs,
      open: async (register, transport) => {
        const { agentId } = await this.caller.agent(call.metadata);
        if (agentId !== null && agentId !== register.agentId) throw agentForbidden(register.agentId, agentId);
        return this.opening.open(register, transport);
      },
      receive: (session, body) => this.messages.receive(session, body),
      closed: (session) => this.opening.closed(session),
      report: (reason, error) =>
        this.context.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, reason),
    });
    connection.begin();
  };

  readonly enroll: handleUnaryCall<agentV1.EnrollRequest, agentV1.EnrollResponse> = (call, callback) => {
    this.enrolment.enrol(this.caller.bearer(call.metadata), call.request).then(
      (credential) => callback(null, { credential: credential ?? '' }),
      (error: unknown) => {
        this.context.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, 'agent not enrolled');
        callback(failedCall(error, this.context.logger, call.getPath()));
      },
    );
  };

  /** Ends every session; resolves when that is in the database. */
  async closeSessions(): Promise<void> {
    this.registry.closeAll();
    await this.opening.settled();
  }

  get handlers(): agentV1.AgentServiceServer {
    return { session: this.session, enroll: this.enroll };
  }
}
