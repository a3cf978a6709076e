import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  type CreatedToken,
  type JoinTokenBody,
  type JoinTokenRecord,
  newJoinTokenSchema,
  newTokenSchema,
  type Page,
  type TokenBody,
} from '@millrace/contracts';
import { Access } from '../../ground/auth/access';
import { Actor, Caller } from '../../ground/auth/auth.guard';
import type { Principal } from '../../ground/auth/principal';
import { Document, parseBody, TakesDocument } from '../../ground/documents/document.interceptor';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { TellsSecret } from '../idempotency/tells-secret';
import { JoinTokensService } from './join-tokens.service';
import { UserTokensService } from './user-tokens.service';

@Controller('api/v1')
export class TokensController {
  constructor(
    private readonly tokens: UserTokensService,
    private readonly joinTokens: JoinTokensService,
  ) {}

  @Get('tokens')
  list(@Caller() caller: Principal, @Query() query: unknown): Promise<Page<TokenBody>> {
    return this.tokens.list(caller, parseQuery(pageQuerySchema, query));
  }

  @Post('tokens')
  @Access('viewer', 'accounts')
  @TakesDocument()
  @TellsSecret()
  create(@Caller() caller: Principal, @Document() document: unknown): Promise<CreatedToken> {
    return this.tokens.create(caller, parseBody(newTokenSchema, document));
  }

  @Delete('tokens/:id')
  @Access('viewer', 'accounts')
  @HttpCode(204)
  revoke(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    return this.tokens.revoke(caller, id);
  }

  /** Makes a token for one agent on another machine, which works once. */
  @Post('join-tokens')
  @Access('admin', 'agents')
  @TakesDocument()
  @TellsSecret()
  join(
    @Caller() caller: Principal,
    @Document() document: unknown,
    @Headers('host') host: string | undefined,
  ): Promise<JoinTokenBody> {
    return this.joinTokens.create(parseBody(newJoinTokenSchema, document), { caller, host: host ?? '' });
  }

  @Get('join-tokens')
  @Access('admin', 'agents')
  listJoinTokens(@Query() query: unknown): Promise<Page<JoinTokenRecord>> {
    return this.joinTokens.list(parseQuery(pageQuerySchema, query));
  }

  @Delete('join-tokens/:id')
  @Access('admin', 'agents')
  @HttpCode(204)
  revokeJoinToken(@Actor() actor: string, @Param('id') id: string): Promise<void> {
    return this.joinTokens.revoke(actor, id);
  }
}
