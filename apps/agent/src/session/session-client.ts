import { AppError, Backoff, type Clock } from '@millrace/core';
import type { AgentMessageBody, agentV1, ApiMessageBody } from '@millrace/contracts';
import type { SessionChannel, SessionDialer } from './session-channel';

export type SessionEvent =
  | { readonly type: 'opened'; readonly welcome: agentV1.Welcome }
  | { readonly type: 'message'; readonly body: ApiMessageBody }
  /** It dials again by itself, unless `final`. */
  | { readonly type: 'closed'; readonly error: Error | undefined; readonly final: boolean };

export interface SessionClientOptions {
  readonly dialer: SessionDialer;
  readonly clock: Clock;
  readonly random: () => number;
  /** Makes the first message of each session, from the state at that time. */
  readonly register: () => agentV1.Register;
  readonly onEvent: (event: SessionEvent) => void;
}

const FIRST_DELAY_MS = 200;
const DELAY_MS_MAX = 5000;
/** A stream that is open but says nothing for so long counts as no session. */
const WELCOME_TIMEOUT_MS = 20_000;
/** An API that stood still reads what it was sent meanwhile within this time. */
const CATCH_UP_MS = 60_000;

/**
 * Holds one session with the API and opens a new one whenever it is lost. It never gives up, since attempts train on
 * without a session, except if the API says that another process has taken the agent's name, or that the very first
 * token is wrong.
 */
export class SessionClient {
  private channel: SessionChannel | undefined;
  private welcomed = false;
  private everWelcomed = false;
  private welcomedAtMs = 0;
  /** Streams that were closed because the API said nothing. It may still find their registrations. */
  private givenUpCount = 0;
  private stopped = false;
  private cancelTimer: () => void = () => undefined;
  private readonly backoff: Backoff;

  constructor(private readonly options: SessionClientOptions) {
    this.backoff = new Backoff(FIRST_DELAY_MS, DELAY_MS_MAX, options.random);
  }

  start(): void {
    let current = true;
    const channel = this.options.dialer.dial({
      onMessage: (body) => {
        // Messages of an older session do not count once there is a newer one.
        if (current && !this.stopped) this.receive(body);
      },
      onClosed: (error) => {
        if (current) this.closed(error);
        current = false;
      },
    });
    this.channel = channel;
    channel.send({ $case: 'register', value: this.options.register() });
    this.cancelTimer = this.options.clock.after(WELCOME_TIMEOUT_MS, () => {
      if (this.welcomed) return;
      this.givenUpCount++;
      channel.close();
    });
  }

  /**
   * Sends a message; does nothing if there is no session, so that whoever needs it to arrive keeps it. Returns an error
   * if the message can never be sent to this API.
   */
  send(body: AgentMessageBody): AppError | undefined {
    return this.welcomed ? this.channel?.send(body) : undefined;
  }

  get isOpen(): boolean {
    return this.welcomed;
  }

  stop(): void {
    this.stopped = true;
    this.cancelTimer();
    this.channel?.close();
  }

  private receive(body: ApiMessageBody): void {
    if (body.$case !== 'welcome') {
      if (this.welcomed) this.options.onEvent({ type: 'message', body });
      return;
    }
    this.cancelTimer();
    this.welcomed = true;
    this.everWelcomed = true;
    this.welcomedAtMs = this.options.clock.monotonicMs();
    this.backoff.reset();
    this.options.onEvent({ type: 'opened', welcome: body.value });
  }

  private closed(error: Error | undefined): void {
    const wasWelcomed = this.welcomed;
    this.channel = undefined;
    this.welcomed = false;
    this.cancelTimer();
    if (this.stopped) return;
    const final = this.isFinal(error, wasWelcomed);
    this.options.onEvent({ type: 'closed', error, final });
    if (!final && !this.stopped) this.cancelTimer = this.options.clock.after(this.backoff.nextMs(), () => this.start());
  }

  private isFinal(error: Error | undefined, wasWelcomed: boolean): boolean {
    if (!(error instanceof AppError)) return false;
    if (error.kind === 'unauthenticated' || error.kind === 'forbidden') return !this.everWelcomed;
    return error.kind === 'aborted' && wasWelcomed && !this.supersededByItself();
  }

  /** Whether the newer session can be one that this process gave up: each of them supersedes once at most. */
  private supersededByItself(): boolean {
    const isEarly = this.options.clock.monotonicMs() - this.welcomedAtMs < CATCH_UP_MS;
    if (isEarly && this.givenUpCount > 0) {
      this.givenUpCount--;
      return true;
    }
    this.givenUpCount = 0;
    return false;
  }
}
