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
 * How often an address may come with a token that is not in force: each made-up token costs the database a look, and
 * once they are too many it is not asked any more. Tokens that are known a moment ago are not looked up, and so are not
 * concerned.
 */
@Injectable()
export class Strangers {
  private readonly budget: CallBudget;
  /** A burst is bounded as well: how each look ends is known only later. */
  private readonly looks: OpenCalls;

  constructor(
    private readonly config: ApiConfig,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.budget = new CallBudget({ perSecond: config.requestsPerSecond, callersMax: ADDRESSES_MAX, clock });
    this.looks = new OpenCalls(config.requestsPerSecond);
  }

  /** Runs `authenticate`, and counts it where it finds nobody. @throws AppError API.RATE_LIMITED */
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
