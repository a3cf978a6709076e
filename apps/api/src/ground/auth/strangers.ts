import { Inject, Injectable } from '@nestjs/common';
import { AppError, type Clock } from '@millrace/core';
import type { Request } from 'express';
import { CallBudget } from '../concurrency/call-budget';
import { OpenCalls } from '../concurrency/open-calls';
import { ApiConfig } from '../config/api-config';
import { CLOCK } from '../config/api-logger';
import { addressKey } from '../http/address-key';
import { rateLimited } from '../http/boundary.errors';

const ADDRESSES_MAX = 10_000;

/**
 * Limits how often an address may come with a token that is not valid. Each invented token costs a query, and once
 * there are too many of them the database is not asked any more. Tokens that were valid a moment ago need no query, and
 * are not affected.
 */
@Injectable()
export class Strangers {
  private readonly budget: CallBudget;
  /** Bounds how many lookups one address has under way: whether a lookup fails is known only later. */
  private readonly looks: OpenCalls;

  constructor(
    private readonly config: ApiConfig,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.budget = new CallBudget({ perSecond: config.requestsPerSecond, callersMax: ADDRESSES_MAX, clock });
    this.looks = new OpenCalls(config.requestsPerSecond);
  }

  /** Runs `authenticate`, and counts a call that finds nobody. @throws AppError API.RATE_LIMITED */
  async admit<Caller>(request: Request, authenticate: () => Promise<Caller>): Promise<Caller> {
    const address = addressKey(request.ip);
    const over = this.budget.waitMs(address) > 0 ? undefined : this.looks.open(address);
    if (over === undefined) throw rateLimited(this.config.requestsPerSecond);
    try {
      return await authenticate();
    } catch (error) {
      if (error instanceof AppError && error.kind === 'unauthenticated') this.budget.take(address);
      throw error;
    } finally {
      over();
    }
  }
}
