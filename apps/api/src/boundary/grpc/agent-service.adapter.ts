import type { handleBidiStreamingCall, handleUnaryCall, ServerDuplexStream } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import { AppError, type Clock, describeError, type Logger } from '@millrace/core';
import { AgentEnrolmentService } from '../../requests/agents/agent-enrolment.service';
import { agentForbidden } from '../../ground/auth/auth.errors';
import { toServiceError } from './to-service-error';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentBody, AgentTransport, ApiBody } from '../../ledger/sessions/agent-transport';
import { SessionRegistry } from '../../ledger/sessions/session-registry';
import { SessionMessagesService } from '../../intake/messages/session-messages.service';
import { SessionOpeningService } from '../../intake/sessions/session-opening.service';
import { registerFirst, sessionBroken, sessionTooSlow } from '../../ledger/sessions/sessions.errors';
import { GrpcCaller } from './grpc-caller';
import { OutgoingQueue, OUTGOING_MESSAGES_MAX } from './outgoing-queue';

type Call = ServerDuplexStream<agentV1.AgentMessage, agentV1.ApiMessage>;

/** Messages of one session that may be received and not dealt with yet; beyond it the agent's stream is not read. */
const INCOMING_MESSAGES_MAX = 64;
const REGISTER_TIMEOUT_MS = 10_000;

/** AgentService over gRPC: carries messages, decides nothing. */
@Injectable()
export class AgentServiceAdapter {
  constructor(
    private readonly caller: GrpcCaller,
    private readonly enrolment: AgentEnrolmentService,
    private readonly opening: SessionOpeningService,
    private readonly messages: SessionMessagesService,
    private readonly registry: SessionRegistry,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  readonly session: handleBidiStreamingCall<agentV1.AgentMessage, agentV1.ApiMessage> = (call) => {
    const connection = new SessionConnection(call, {
      open: async (register, transport) => {
        const { agentId } = await this.caller.agent(call.metadata);
        if (agentId !== null && agentId !== register.agentId) throw agentForbidden(register.agentId, agentId);
        return this.opening.open(register, transport);
      },
      receive: async (session, body) => {
        // A credential that was revoked meanwhile ends the session at the next heartbeat.
        if (body.$case === 'heartbeat') await this.caller.agent(call.metadata);
        await this.messages.receive(session, body);
      },
      closed: (session) => this.opening.closed(session),
      report: (reason, error) => this.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, reason),
    });
    const cancel = this.clock.after(REGISTER_TIMEOUT_MS, () => connection.requireSession());
    call.once('close', cancel);
  };

  readonly enroll: handleUnaryCall<agentV1.EnrollRequest, agentV1.EnrollResponse> = (call, callback) => {
    this.enrolment.enrol(this.caller.bearer(call.metadata), call.request).then(
      (credential) => callback(null, { credential: credential ?? '' }),
      (error: unknown) => {
        this.logger.warn({ peer: call.getPeer(), reason: describeError(error) }, 'agent not enrolled');
        callback(toServiceError(error));
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

interface SessionHandlers {
  open(register: agentV1.Register, transport: AgentTransport): Promise<AgentSession>;
  receive(session: AgentSession, body: AgentBody): Promise<void>;
  closed(session: AgentSession): Promise<void>;
  report(reason: string, error: unknown): void;
}

/**
 * One stream. Messages are dealt with one after the other, in the order in which they came, except heartbeats: a lease
 * must not run out because a batch of metrics takes long to store.
 */
class SessionConnection implements AgentTransport {
  private readonly outgoing: OutgoingQueue<agentV1.ApiMessage>;
  private session: AgentSession | undefined;
  private opening = false;
  private ended = false;
  private waitingCount = 0;
  private tail: Promise<void> = Promise.resolve();
  private heartbeatRunning = false;

  constructor(
    private readonly call: Call,
    private readonly handlers: SessionHandlers,
  ) {
    this.outgoing = new OutgoingQueue(call);
    call.on('data', (message: agentV1.AgentMessage) => this.received(message.body));
    call.on('error', () => this.end());
    call.on('cancelled', () => this.end());
    call.on('close', () => this.end());
    call.on('end', () => {
      this.end();
      call.end();
    });
  }

  send(body: ApiBody): void {
    if (this.ended || this.outgoing.push({ body })) return;
    this.close(sessionTooSlow(this.session?.agentId ?? this.call.getPeer(), OUTGOING_MESSAGES_MAX));
  }

  close(reason: AppError): void {
    if (this.ended) return;
    this.end();
    this.call.emit('error', toServiceError(reason));
  }

  requireSession(): void {
    if (!this.session && !this.ended) this.close(registerFirst());
  }

  private received(body: AgentBody | undefined): void {
    // A body of a kind that this version does not know is of a newer agent: ignored, as protocol buffers are meant to
    // be.
    if (this.ended || body === undefined) return;
    if (!this.session && !this.opening) {
      if (body.$case !== 'register') return this.close(registerFirst());
      this.opening = true;
      return this.enqueue(() => this.open(body.value));
    }
    if (body.$case === 'heartbeat' && this.session) return this.heartbeat(this.session, body);
    this.enqueue(async () => {
      if (this.session && !this.ended) await this.handlers.receive(this.session, body);
    });
  }

  private async open(register: agentV1.Register): Promise<void> {
    const session = await this.handlers.open(register, this);
    this.session = session;
    if (this.ended) await this.handlers.closed(session);
  }

  /** While one is dealt with, others are left out: the next will say the same or better. */
  private heartbeat(session: AgentSession, body: AgentBody): void {
    if (this.heartbeatRunning) return;
    this.heartbeatRunning = true;
    void this.handlers
      .receive(session, body)
      .catch((error: unknown) => this.broken(error))
      .finally(() => (this.heartbeatRunning = false));
  }

  private enqueue(work: () => Promise<void>): void {
    this.waitingCount++;
    if (this.waitingCount >= INCOMING_MESSAGES_MAX) this.call.pause();
    this.tail = this.tail
      .then(work)
      .catch((error: unknown) => this.broken(error))
      .finally(() => {
        this.waitingCount--;
        if (this.waitingCount < INCOMING_MESSAGES_MAX / 2 && this.call.isPaused()) this.call.resume();
      });
  }

  /** The agent dials again and sends what was not acknowledged. */
  private broken(error: unknown): void {
    if (this.ended) return;
    this.handlers.report('session ends', error);
    this.close(error instanceof AppError ? error : sessionBroken(error));
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    const { session } = this;
    if (session)
      void this.handlers
        .closed(session)
        .catch((error: unknown) => this.handlers.report('session did not close', error));
  }
}
