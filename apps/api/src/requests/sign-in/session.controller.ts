import { Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { newSessionSchema, type SessionBody } from '@millrace/contracts';
import type { CookieOptions, Request, Response } from 'express';
import { Access, Public } from '../../ground/auth/access';
import { Actor, Caller } from '../../ground/auth/auth.guard';
import type { Principal } from '../../ground/auth/principal';
import { assertSameOrigin, SESSION_COOKIE, sessionCookieOf } from '../../ground/auth/session-cookie';
import { Document, parseBody, TakesDocument } from '../../ground/documents/document.interceptor';
import { sessionBody, SignInService } from './sign-in.service';

@Controller('api/v1')
export class SessionController {
  constructor(private readonly signIn: SignInService) {}

  /** Exchanges a token for a cookie. */
  @Post('session')
  @Public()
  @TakesDocument()
  async open(
    @Document() document: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionBody> {
    // Another site must not sign a browser in as somebody else. Programs send no Origin.
    if (request.headers.origin !== undefined) assertSameOrigin(request);
    const { token } = parseBody(newSessionSchema, document);
    const { secret, expiresAt, body } = await this.signIn.open(token);
    response.cookie(SESSION_COOKIE, secret, { ...cookieOptions(request), expires: expiresAt });
    return body;
  }

  @Get('session')
  current(@Caller() caller: Principal): SessionBody {
    return sessionBody(caller);
  }

  @Delete('session')
  @Access('viewer', 'read')
  @HttpCode(204)
  async close(
    @Actor() actor: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const secret = sessionCookieOf(request);
    if (secret !== undefined) await this.signIn.close(secret, actor);
    response.clearCookie(SESSION_COOKIE, cookieOptions(request));
  }
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: 'strict', path: '/', secure: request.secure };
}
