import type { Metadata } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal';
import { TokensService } from '../auth/tokens.service';

const SCHEME = /^bearer +/i;

/** Who makes a call: the bearer token in its metadata, the same as over HTTP. */
@Injectable()
export class GrpcCaller {
  constructor(private readonly tokens: TokensService) {}

  /** @throws AppError AUTH.* */
  async authenticate(metadata: Metadata): Promise<Principal> {
    const header = metadata.get('authorization')[0];
    const text = typeof header === 'string' ? header : '';
    return this.tokens.authenticate(SCHEME.test(text) ? text.replace(SCHEME, '') : undefined);
  }
}
