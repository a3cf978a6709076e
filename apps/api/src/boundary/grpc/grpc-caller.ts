import type { Metadata } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { assertAccess } from '../../ground/auth/access';
import type { Principal } from '../../ground/auth/principal';
import { TokensService } from '../../ground/auth/tokens.service';

const SCHEME = /^bearer +/i;

/** Finds out who makes a call by the bearer token in its metadata, which is the same as over HTTP. */
@Injectable()
export class GrpcCaller {
  constructor(private readonly tokens: TokensService) {}

  /** Returns the calling agent, or an admin who acts in an agent's place. @throws AppError AUTH.* */
  async agent(metadata: Metadata): Promise<Principal> {
    const principal = await this.anybody(metadata);
    if (principal.role !== 'agent') assertAccess(principal, { role: 'admin', scope: 'agents' });
    return principal;
  }

  /** Returns the owner of the token. @throws AppError AUTH.* */
  anybody(metadata: Metadata): Promise<Principal> {
    return this.tokens.authenticate(this.bearer(metadata));
  }

  /** Whether `anybody` would answer without a query to the database. */
  isRemembered(metadata: Metadata): boolean {
    return this.tokens.isRemembered(this.bearer(metadata));
  }

  /** The token in the metadata, which is not checked. */
  bearer(metadata: Metadata): string | undefined {
    const header = metadata.get('authorization')[0];
    const text = typeof header === 'string' ? header : '';
    return SCHEME.test(text) ? text.replace(SCHEME, '') : undefined;
  }
}
