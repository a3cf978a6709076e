import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import type { Request } from 'express';
import { addressKey } from '../http/address-key';
import { rateLimited } from '../http/boundary.errors';
import { tokenIdOf } from './auth.guard';

/** Counts requests per token; those without one (sign-ins, and probes, which ask the database) per address. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override async getTracker(request: Record<string, unknown>): Promise<string> {
    const asked = request as unknown as Request;
    return tokenIdOf(asked) ?? `address ${addressKey(asked.ip)}`;
  }

  /** A token has one budget, instead of one for each route. */
  protected override generateKey(_context: ExecutionContext, tracker: string, name: string): string {
    return `${name} ${tracker}`;
  }

  protected override async throwThrottlingException(
    _context: ExecutionContext,
    { limit }: ThrottlerLimitDetail,
  ): Promise<void> {
    throw rateLimited(limit);
  }
}
