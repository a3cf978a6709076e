import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { AgentMessageBody, agentV1, ApiMessageBody } from '@millrace/contracts';
import { AppError, type Clock } from '@millrace/core';
import type { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentTransport } from '../../ledger/sessions/agent-transport';
import { registerFirst, sessionBroken, sessionSilent, sessionTooSlow } from '../../ledger/sessions/sessions.errors';
import { OutgoingQueue, OUTGOING_MESSAGES_MAX } from './outgoing-queue';
import { SessionMessages } from './session-messages';
import { toServiceError } from './failures/to-service-error';

type Call = ServerDuplexStream<agentV1.AgentMessage, agentV1.ApiMessage>;

/**
 * How many messages of one session may be received but not handled; while there are more, the agent's stream is not
 * read.
 */
const INCOMING_MESSAGES_MAX = 64;
const REGISTER_TIMEOUT_MS = 10_000;

export interface SessionOptions {
  readonly clock: Clock;
  /** How often the agent should send a heartbeat. */
  readonly heartbeatMs: number;
  /** The session ends after so many milliseconds without a heartbeat. */
  readonly silentMs: number;
  /** Rejects when the agent may not register. */
  admit(register: agentV1.Register): Promise<void>;
  open(register: agentV1.Register, transport: AgentTransport): Promise<AgentSession>;
  receive(session: AgentSession, body: AgentMessageBody): Promise<void>;
  closed(session: AgentSession): Promise<void>;
  report(reason: string, error: unknown): void;
}

/**
 * One stream of an agent. Its messages are handled one after the other, in the order in which they came, except
 * heartbeats: a lease must not run out because a batch of metrics takes long to store.
 */
export class SessionConnection implements AgentTransport {
  private readonly outgoing: OutgoingQueue<agentV1.ApiMessage>;
  private readonly messages = new SessionMessages();
  private session: AgentSession | undefined;
  private opening = false;
  private ended = false;
  private waitingCount = 0;
  private tail: Promise<void> = Promise.resolve();
  private heartbeatRunning = false;
  /**
   * How many checks have passed since the last heartbeat. Checks are counted instead of time, because a process that
   * stood still has read nothing meanwhile.
   */
  private silentLooks = 0;
  private cancelTimer: () => void = () => undefined;

  constructor(
    private readonly call: Call,
    private readonly options: SessionOptions,
  ) {
    this.outgoing = new OutgoingQueue(call);
    call.on('data', (message: agentV1.AgentMessage) => this.receivedPart(message));
    call.on('error', () => this.end());
    call.on('cancelled', () => this.end());
    call.on('close', () => this.end());
    call.on('end', () => {
      this.end();
      call.end();
    });
  }

  send(body: ApiMessageBody): AppError | undefined {
    if (this.ended) return undefined;
    const messages = this.messages.toWrite(body);
    if (messages instanceof AppError) return messages;
    if (!this.outgoing.push(...messages))
      this.close(sessionTooSlow(this.session?.agentId ?? this.call.getPeer(), OUTGOING_MESSAGES_MAX));
    return undefined;
  }

  isBusy(): boolean {
    return !this.outgoing.isEmpty;
  }

  close(reason: AppError): void {
    if (this.ended) return;
    this.end();
    this.call.emit('error', toServiceError(reason));
  }

  /** Begins to wait for the agent's registration, which has a deadline, and then for its heartbeats. */
  begin(): void {
    this.cancelTimer = this.options.clock.after(REGISTER_TIMEOUT_MS, () => this.close(registerFirst()));
  }

  /**
   * Ends a session without heartbeats: such an agent has no leases, and must not be given plans with the keys of an
   * attempt. While the API does not read its stream, an agent does not count as late.
   */
  private listenForHeartbeats(): void {
    const { clock, heartbeatMs, silentMs } = this.options;
    if (this.ended) return;
    this.cancelTimer = clock.after(heartbeatMs, () => {
      if (!this.call.isPaused()) this.silentLooks++;
      if (this.session && this.silentLooks * heartbeatMs >= silentMs)
        this.close(sessionSilent(this.session.agentId, silentMs));
      else this.listenForHeartbeats();
    });
  }

  private receivedPart(message: agentV1.AgentMessage): void {
    if (this.ended) return;
    // Parts of a message are kept only once it is known whose they are.
    if (!this.session && message.body?.$case === 'part') return this.close(registerFirst());
    try {
      this.received(this.messages.received(message));
    } catch (error) {
      this.broken(error);
    }
  }

  private received(body: AgentMessageBody | undefined): void {
    if (body === undefined) return;
    if (!this.session && !this.opening) {
      if (body.$case !== 'register') return this.close(registerFirst());
      this.opening = true;
      this.messages.agentTakesParts = body.value.takesParts;
      return this.enqueue(() => this.open(body.value));
    }
    if (body.$case === 'heartbeat' && this.session) return this.heartbeat(this.session, body);
    this.enqueue(async () => {
      if (this.session && !this.ended) await this.options.receive(this.session, body);
    });
  }

  private async open(register: agentV1.Register): Promise<void> {
    await this.options.admit(register);
    // A process that stood still finds the registrations of streams that the agent has given up meanwhile. They must
    // not supersede the one that it waits for.
    if (this.ended) return;
    const session = await this.options.open(register, this);
    this.session = session;
    this.cancelTimer();
    this.listenForHeartbeats();
    if (this.ended) await this.options.closed(session);
  }

  /** While one heartbeat is handled, others are dropped: the next one says the same or something newer. */
  private heartbeat(session: AgentSession, body: AgentMessageBody): void {
    this.silentLooks = 0;
    if (this.heartbeatRunning) return;
    this.heartbeatRunning = true;
    void this.options
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

  /** Ends the session; the agent connects again and sends again what was not acknowledged. */
  private broken(error: unknown): void {
    if (this.ended) return;
    this.options.report('session ends', error);
    this.close(error instanceof AppError ? error : sessionBroken(error));
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.cancelTimer();
    const { session } = this;
    if (session)
      void this.options.closed(session).catch((error: unknown) => this.options.report('session did not close', error));
  }
}
