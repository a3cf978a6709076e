import type { handleBidiStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { type Clock, describeError, type Logger } from '@millrace/core';
import { AgentEnrolmentService } from '../../requests/agents/agent-enrolment.service';
import { agentForbidden } from '../../ground/auth/auth.errors';
import { failedCall } from './failures/failed-call';
import { SessionMessagesService } from '../../intake/messages/session-messages.service';
import { SessionsService } from '../../intake/sessions/sessions.service';
import { GrpcCaller } from './grpc-caller';
import { SessionConnection } from './session-connection';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';

/** AgentService over gRPC: it carries messages and decides nothing. */
@Injectable()
export class AgentServiceAdapter {
  constructor(
    private readonly caller: GrpcCaller,
    private readonly enrolment: AgentEnrolmentService,
    private readonly sessions: SessionsService,
    private readonly messages: SessionMessagesService,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  readonly session: handleBidiStreamingCall<agentV1.AgentMessage, agentV1.ApiMessage> = (call) => {
    const { clock, config } = this;
    const connection: SessionConnection = new SessionConnection(call, {
      clock,
      heartbeatMs: config.heartbeatMs,
      silentMs: config.leaseMs,
      admit: async (register) => {
        const { agentId } = await this.caller.agent(call.metadata);
        if (agentId !== null && agentId !== register.agentId) throw agentForbidden(register.agentId, agentId);
      },
      open: (register, transport) => this.sessions.open(register, transport),
      receive: (session, body) => this.messages.receive(session, body),
      closed: (session) => this.sessions.closed(session),
      report: (reason, error) => this.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, reason),
    });
    connection.begin();
  };

  readonly enroll: handleUnaryCall<agentV1.EnrollRequest, agentV1.EnrollResponse> = (call, callback) => {
    this.enrolment.enrol(this.caller.bearer(call.metadata), call.request).then(
      (credential) => callback(null, { credential: credential ?? '' }),
      (error: unknown) => {
        this.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, 'agent not enrolled');
        callback(failedCall(error, this.logger, call.getPath()));
      },
    );
  };

  /** Ends every session; resolves when the database knows that they are closed. */
  async closeSessions(): Promise<void> {
    await this.sessions.endAll();
  }

  get handlers(): agentV1.AgentServiceServer {
    return { session: this.session, enroll: this.enroll };
  }
}
