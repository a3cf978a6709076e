import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import { assert } from '@millrace/core';
import type { Request, Response } from 'express';
import { accessRule, assertAccess, isPublic } from './access';
import { tokenMissing } from './auth.errors';
import type { Principal } from './principal';
import { RightsWatch } from './rights-watch';
import { assertSameOrigin, sessionCookieOf } from './session-cookie';
import { Strangers } from './strangers';
import { TokensService } from './tokens.service';

const BEARER = /^Bearer +([^\s]+) *$/i;

type WithPrincipal = Request & { principal?: Principal };

/** The token's id, which is the `actor` of what a request changes. */
export const Actor = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  return tokenIdOf(context.switchToHttp().getRequest<Request>()) ?? '';
});

/** The caller of a route that is not public. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return callerOf(context.switchToHttp().getRequest<Request>());
});

export function callerOf(request: Request): Principal {
  const principal = optionalCallerOf(request);
  assert(principal !== undefined, 'a public route has no caller');
  return principal;
}

/** The caller; undefined on a public route. */
export function optionalCallerOf(request: Request): Principal | undefined {
  return (request as WithPrincipal).principal;
}

/** Undefined on a public route. */
export function tokenIdOf(request: Request): string | undefined {
  return optionalCallerOf(request)?.tokenId;
}

/** Lets a request through if its token, in the Authorization header or behind a session cookie, allows it. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly tokens: TokensService,
    private readonly rights: RightsWatch,
    private readonly strangers: Strangers,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<WithPrincipal>();
    const principal = await this.authenticate(request);
    assertAccess(principal, accessRule(context, request.method));
    request.principal = principal;
    this.endWithRights(principal, request, context.switchToHttp().getResponse<Response>());
    return true;
  }

  private endWithRights(principal: Principal, request: Request, response: Response): void {
    if (request.socket.destroyed) return;
    const letGo = this.rights.hold(principal, () => cutShort(request, response));
    response.once('close', letGo);
  }

  private async authenticate(request: Request): Promise<Principal> {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      const cookie = sessionCookieOf(request);
      if (cookie === undefined) return this.strangers.admit(request, () => Promise.reject(tokenMissing()));
      const principal = await this.admit(request, cookie, () => this.tokens.authenticateSession(cookie));
      assertSameOrigin(request);
      return principal;
    }
    const bearer = BEARER.exec(authorization)?.[1];
    return this.admit(request, bearer, () => this.tokens.authenticate(bearer));
  }

  /** Called before the database is asked. A caller who is known is not held up by others at the same address. */
  private admit(
    request: Request,
    secret: string | undefined,
    authenticate: () => Promise<Principal>,
  ): Promise<Principal> {
    if (this.tokens.isRemembered(secret)) return authenticate();
    return this.strangers.admit(request, authenticate);
  }
}

/**
 * Ends what still flows in either direction. A request that has fully arrived and is not answered yet, such as one that
 * revokes its own token, is answered.
 */
function cutShort(request: Request, response: Response): void {
  if (!response.headersSent) {
    if (!request.complete) request.destroy();
    return;
  }
  const isEvents = String(response.getHeader('content-type')).startsWith('text/event-stream');
  // A reader of an event stream learns the reason when it reconnects. One that does not accept the end is cut off next
  // time.
  if (isEvents && !response.writableEnded) response.end();
  else response.destroy();
}
