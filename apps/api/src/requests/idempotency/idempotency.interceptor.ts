import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { type Clock, describeError, type Logger } from '@millrace/core';
import type { Request, Response } from 'express';
import { from, lastValueFrom, of, type Observable } from 'rxjs';
import { principalOf } from '../../ground/auth/auth.guard';
import { rawBodyOf } from '../../ground/documents/document.interceptor';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import {
  idempotencyKeyInFlight,
  idempotencyKeyInvalid,
  idempotencyKeyReused,
  idempotencySecretTold,
} from './idempotency.errors';
import { IdempotencyRepository, IN_FLIGHT, type KeyId } from './idempotency.repository';
import { answerOf, storable } from './kept-answer';
import { TELLS_SECRET } from './tells-secret';

const KEY = /^[\x21-\x7e][\x20-\x7e]{0,254}$/;
const KEY_CHARACTERS_MAX = 255;
const ANSWER_MS = 24 * 3_600_000;
/** A reservation whose API was killed is free again after this; it is extended while the request is being handled. */
const RESERVATION_MS = 60_000;
const EXTENSION_MS = 20_000;

/**
 * `Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): the first answer is kept for a day and given
 * again. An error frees the key, since nothing was stored.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly keys: IdempotencyRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const key = request.headers['idempotency-key'];
    const tokenId = principalOf(request);
    if (key === undefined || request.method !== 'POST' || tokenId === '') return next.handle();
    if (typeof key !== 'string' || !KEY.test(key)) throw idempotencyKeyInvalid(KEY_CHARACTERS_MAX);
    const response = context.switchToHttp().getResponse<Response>();
    const fingerprint = fingerprintOf(request);
    const reservation = { fingerprint, until: this.later(RESERVATION_MS), now: this.later(0) };
    const held = await this.keys.reserve({ tokenId, key }, reservation);
    const secret = Reflect.getMetadata(TELLS_SECRET, context.getHandler()) === true;
    if (held === undefined) return from(this.handle({ tokenId, key }, next, { response, secret }));
    if (held.fingerprint !== fingerprint) throw idempotencyKeyReused(key);
    if (held.status === IN_FLIGHT) throw idempotencyKeyInFlight(key);
    if (secret) throw idempotencySecretTold(key);
    response.status(held.status).setHeader('Idempotency-Replayed', 'true');
    return of(answerOf(held.body));
  }

  private async handle(
    id: KeyId,
    next: CallHandler,
    { response, secret }: { response: Response; secret: boolean },
  ): Promise<unknown> {
    const stop = this.keepAlive(id);
    try {
      const body: unknown = await lastValueFrom(next.handle(), { defaultValue: null });
      const kept = storable(JSON.stringify(secret ? null : (body ?? null)));
      await this.keys.complete(id, { status: response.statusCode, body: kept, until: this.later(ANSWER_MS) });
      return body;
    } catch (error) {
      await this.keys.release(id);
      throw error;
    } finally {
      stop();
    }
  }

  private keepAlive(id: KeyId): () => void {
    let cancel = (): void => undefined;
    const extend = (): void => {
      this.keys.extend(id, this.later(RESERVATION_MS)).catch((error: unknown) => this.warn(error));
      cancel = this.clock.after(EXTENSION_MS, extend);
    };
    cancel = this.clock.after(EXTENSION_MS, extend);
    return () => cancel();
  }

  private warn(error: unknown): void {
    this.logger.warn({ reason: describeError(error) }, 'idempotency keys could not be updated');
  }

  private later(delayMs: number): Date {
    return new Date(this.clock.now() + delayMs);
  }
}

/** An upload is too large to be read before it is handled: its type and length stand for it. */
function fingerprintOf(request: Request): string {
  const hash = createHash('sha256').update(`${request.method} ${request.originalUrl}\n`);
  const body = rawBodyOf(request);
  if (body !== undefined) hash.update(body);
  else hash.update(`${request.headers['content-type'] ?? ''} ${request.headers['content-length'] ?? ''}`);
  return hash.digest('hex');
}
