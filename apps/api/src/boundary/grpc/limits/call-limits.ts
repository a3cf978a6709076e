import { type Metadata, ServerInterceptingCall, type ServerInterceptor, type ServiceError } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import { agentV1, blobV1 } from '@millrace/contracts';
import { AppError, type Clock, type Logger } from '@millrace/core';
import type { Principal } from '../../../ground/auth/principal';
import { RightsWatch } from '../../../ground/auth/rights-watch';
import { failedCall } from '../failures/failed-call';
import { toServiceError } from '../failures/to-service-error';
import { ApiConfig } from '../../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../../ground/config/api-logger';
import { GrpcCaller } from '../grpc-caller';
import { callsLimited, tooManyOpen } from '../grpc.errors';
import { STREAMS_PER_TOKEN_MAX } from '../../../ground/events/sse-streams';
import { addressKey } from '../../../ground/http/address-key';
import { CallBudget } from '../../../ground/concurrency/call-budget';
import { OpenCalls } from '../../../ground/concurrency/open-calls';

const CALLERS_MAX = 10_000;
/** How many calls without a token one address may have open at once: watches of the health service, and reflection. */
const STRANGERS_OPEN_MAX = 100;
/** The limit for calls of agents, all of which may use one admin's token. */
const WORK_PER_TOKEN_MAX = 1_000;

/** The calls that agents depend on: a refused session costs a run a recovery, a refused block costs it a checkpoint. */
const AGENT_METHODS: ReadonlySet<string> = new Set([
  agentV1.AgentServiceService.session.path,
  blobV1.BlobServiceService.put.path,
  blobV1.BlobServiceService.get.path,
]);

type Call = Parameters<ServerInterceptor>[1];
type Method = Parameters<ServerInterceptor>[0];

interface Admitted {
  /** The caller's address, if the call has no valid token. */
  readonly stranger?: string;
  readonly over: () => void;
}

/**
 * Limits how often gRPC is called: as often as HTTP per token, and without a valid token per address. Agents are not
 * counted in the calls that they depend on.
 */
@Injectable()
export class CallLimits {
  /** Tokens and addresses have budgets of their own, so that no number of strangers uses up what known callers need. */
  private readonly tokens: CallBudget;
  private readonly strangers: CallBudget;
  private readonly openCalls = new OpenCalls(STRANGERS_OPEN_MAX);
  private readonly openStreams = new OpenCalls(STREAMS_PER_TOKEN_MAX);
  private readonly openWork = new OpenCalls(WORK_PER_TOKEN_MAX);

  constructor(
    private readonly config: ApiConfig,
    private readonly caller: GrpcCaller,
    private readonly rights: RightsWatch,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CLOCK) clock: Clock,
  ) {
    const budget = { perSecond: config.requestsPerSecond, callersMax: CALLERS_MAX, clock };
    this.tokens = new CallBudget(budget);
    this.strangers = new CallBudget(budget);
  }

  readonly interceptor: ServerInterceptor = (method, call) => {
    let admitted: Admitted | undefined;
    let messageCount = 0;
    let cancelled = false;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            this.admit(method, call, metadata).then(
              (each) => {
                admitted = each;
                if (cancelled) each.over();
                else proceed(metadata);
              },
              (error: unknown) => refuse(call, failedCall(error, this.logger, method.path)),
            );
          },
          onReceiveMessage: (message, proceed) => {
            // The first message belongs to the call, which has been counted already.
            const waitMs = admitted?.stranger && ++messageCount > 1 ? this.strangers.take(admitted.stranger) : 0;
            if (waitMs === 0) return proceed(message);
            admitted?.over();
            refuse(call, toServiceError(callsLimited(this.config.requestsPerSecond, waitMs)));
          },
          onCancel: () => {
            cancelled = true;
            admitted?.over();
          },
        }),
      sendStatus: (status, next) => {
        admitted?.over();
        next(status);
      },
    });
  };

  /** @throws AppError GRPC.RATE_LIMITED, GRPC.TOO_MANY_OPEN; for a stream also what the database fails with */
  private async admit({ path, ...method }: Method, call: Call, metadata: Metadata): Promise<Admitted> {
    const stranger = addressKey(call.getConnectionInfo().remoteAddress);
    const isWork = AGENT_METHODS.has(path);
    // Checked before the database is asked, because each invented token would cost a query. Calls that agents depend on
    // are exempt: an agent may share its address with whoever invents tokens.
    if (!isWork && !this.caller.isRemembered(metadata)) this.assertTime(this.strangers.waitMs(stranger));
    const isStream = method.requestStream || method.responseStream;
    const principal = await this.principal(metadata, isStream);
    if (principal === 'unknown') return { over: () => undefined };
    if (principal !== undefined) {
      const isAgents = isWork && mayBeAgent(principal);
      if (!isAgents) this.assertTime(this.tokens.take(principal.tokenId));
      if (!isStream) return { over: () => undefined };
      return { over: this.stream(principal, call, isAgents) };
    }
    this.assertTime(this.strangers.take(stranger));
    const over = this.openCalls.open(stranger);
    if (over === undefined) throw tooManyOpen(STRANGERS_OPEN_MAX, 'stranger');
    return { stranger, over };
  }

  /**
   * The stream ends when its token loses its rights. @returns a function to call when the stream is over @throws
   * AppError GRPC.TOO_MANY_OPEN
   */
  private stream(principal: Principal, call: Call, isAgents: boolean): () => void {
    const over = (isAgents ? this.openWork : this.openStreams).open(principal.tokenId);
    if (over === undefined) throw tooManyOpen(isAgents ? WORK_PER_TOKEN_MAX : STREAMS_PER_TOKEN_MAX, 'token');
    const letGo = this.rights.hold(principal, (reason) => refuse(call, toServiceError(reason)));
    return () => {
      letGo();
      over();
    };
  }

  /** @throws AppError GRPC.RATE_LIMITED */
  private assertTime(waitMs: number): void {
    if (waitMs > 0) throw callsLimited(this.config.requestsPerSecond, waitMs);
  }

  /**
   * Undefined: nobody is known by this token. `unknown`: the database cannot be asked, which the call itself will find
   * out and report. A stream may ask it only later, when the database is back, and nobody would end that stream with
   * its token: it does not begin.
   */
  private async principal(metadata: Metadata, isStream: boolean): Promise<Principal | 'unknown' | undefined> {
    try {
      return await this.caller.anybody(metadata);
    } catch (error) {
      if (error instanceof AppError && error.kind === 'unauthenticated') return undefined;
      if (isStream) throw error;
      return 'unknown';
    }
  }
}

/** Whether it is an agent, or an admin who acts in an agent's place. */
function mayBeAgent(principal: Principal | undefined): boolean {
  return principal?.role === 'agent' || principal?.role === 'admin';
}

function refuse(call: Call, { code, details, metadata }: ServiceError): void {
  call.sendStatus({ code, details, metadata });
}
