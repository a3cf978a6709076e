import { createHash, randomUUID } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { type Clock, describeError, type Logger } from '@millrace/core';
import type { Request, Response } from 'express';
import { from, lastValueFrom, of, type Observable } from 'rxjs';
import { tokenIdOf } from '../../ground/auth/auth.guard';
import { rawBodyOf } from '../../ground/documents/document.interceptor';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import { accompanied } from '../../ground/database/transaction-companion';
import {
  idempotencyAnswerMissing,
  idempotencyKeyInFlight,
  idempotencyKeyInvalid,
  idempotencyKeyReused,
  idempotencySecretTold,
} from './idempotency.errors';
import { GuardedRequest } from './guarded-request';
import { CARRIED_OUT, IdempotencyRepository, IN_FLIGHT, type KeyHold } from './idempotency.repository';
import { answerOf, storable } from './kept-answer';
import { TELLS_SECRET } from './tells-secret';

const KEY = /^[\x21-\x7e][\x20-\x7e]{0,254}$/;
const KEY_CHARACTERS_MAX = 255;
const EXTENSION_MS = 20_000;

/**
 * Implements `Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): the first answer is kept for a day
 * and given again. What the request changes and its key are written in one transaction (GuardedRequest), so that a
 * crash between the two cannot make it happen twice. An error frees the key as long as nothing was changed.
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
    const tokenId = tokenIdOf(request);
    if (key === undefined || request.method !== 'POST' || tokenId === undefined) return next.handle();
    if (typeof key !== 'string' || !KEY.test(key)) throw idempotencyKeyInvalid(KEY_CHARACTERS_MAX);
    const response = context.switchToHttp().getResponse<Response>();
    const fingerprint = fingerprintOf(request);
    const hold = { tokenId, key, holder: randomUUID() };
    const held = await this.keys.reserve(hold, fingerprint);
    const secret = Reflect.getMetadata(TELLS_SECRET, context.getHandler()) === true;
    if (held === undefined) return from(this.handle(hold, next, { response, secret }));
    if (held.fingerprint !== fingerprint) throw idempotencyKeyReused(key);
    if (held.status === IN_FLIGHT) throw idempotencyKeyInFlight(key);
    if (secret) throw idempotencySecretTold(key);
    if (held.status === CARRIED_OUT) throw idempotencyAnswerMissing(key);
    response.status(held.status).setHeader('Idempotency-Replayed', 'true');
    return of(answerOf(held.body));
  }

  private async handle(
    hold: KeyHold,
    next: CallHandler,
    { response, secret }: { response: Response; secret: boolean },
  ): Promise<unknown> {
    const stop = this.keepAlive(hold);
    const guarded = new GuardedRequest(this.keys, hold, response.statusCode);
    try {
      const body: unknown = await guarded.handle(() =>
        accompanied(
          (tx) => guarded.recordIn(tx),
          () => lastValueFrom(next.handle(), { defaultValue: null }),
        ),
      );
      const kept = storable(JSON.stringify(secret ? null : (body ?? null)));
      await this.keys.complete(hold, { status: response.statusCode, body: kept });
      return body;
    } catch (error) {
      await this.keys.release(hold);
      throw error;
    } finally {
      stop();
    }
  }

  private keepAlive(hold: KeyHold): () => void {
    let cancel = (): void => undefined;
    const extend = (): void => {
      this.keys.extend(hold).catch((error: unknown) => this.warn(error));
      cancel = this.clock.after(EXTENSION_MS, extend);
    };
    cancel = this.clock.after(EXTENSION_MS, extend);
    return () => cancel();
  }

  private warn(error: unknown): void {
    this.logger.warn({ reason: describeError(error) }, 'idempotency keys could not be updated');
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
