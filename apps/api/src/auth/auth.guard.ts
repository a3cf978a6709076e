import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import type { Request } from 'express';
import { roleForbidden, tokenMissing } from './auth.errors';
import { type Principal, TokensService } from './tokens.service';

const PUBLIC = Symbol('needs no token');
const BEARER = /^Bearer +([^\s]+) *$/i;

type WithPrincipal = Request & { principal?: Principal };

/** Marks a controller or route that answers without a token. */
export function Public(): ClassDecorator & MethodDecorator {
  return SetMetadata(PUBLIC, true);
}

/** The token's id, as the `actor` of what a request changes. */
export const Actor = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  return principalOf(context.switchToHttp().getRequest<Request>());
});

/** The id of the token of an authenticated request; empty on public routes. */
export function principalOf(request: Request): string {
  return (request as WithPrincipal).principal?.tokenId ?? '';
}

/** Lets through whoever has an admin's bearer token in the Authorization header. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly tokens: TokensService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const open = [context.getHandler(), context.getClass()].some(
      (target) => Reflect.getMetadata(PUBLIC, target) === true,
    );
    if (open) return true;
    const request = context.switchToHttp().getRequest<WithPrincipal>();
    const { authorization } = request.headers;
    const bearer = BEARER.exec(authorization ?? '')?.[1];
    if (bearer === undefined) throw tokenMissing();
    const principal = await this.tokens.authenticate(bearer);
    // The agents' tokens open sessions over gRPC and nothing here.
    if (principal.role !== 'admin') throw roleForbidden(principal.role);
    request.principal = principal;
    return true;
  }
}
