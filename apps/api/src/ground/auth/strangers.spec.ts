import { AppError } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import type { ApiConfig } from '../config/api-config';
import { databaseUnreachable } from '../database/database.errors';
import { tokenUnknown } from './auth.errors';
import { Strangers } from './strangers';

describe('tokens that are not in force', () => {
  const clock = new FakeClock();
  const strangers = new Strangers({ requestsPerSecond: 3 } as ApiConfig, clock);
  const from = (ip: string): Request => ({ ip }) as Request;
  let asked = 0;
  const outcome = async (ip: string, result: () => Promise<string>): Promise<string> => {
    const authenticate = (): Promise<string> => {
      asked++;
      return result();
    };
    return strangers
      .admit(from(ip), authenticate)
      .catch((error: unknown) => (error instanceof AppError ? error.code : ''));
  };
  const unknown = (): Promise<string> => Promise.reject(tokenUnknown());

  it('cost the database so many looks a second from an address, and no more', async () => {
    for (let each = 0; each < 3; each++) expect(await outcome('10.0.0.1', unknown)).toBe('AUTH.TOKEN_UNKNOWN');
    expect(await outcome('10.0.0.1', unknown)).toBe('API.RATE_LIMITED');
    expect(asked).toBe(3);
    expect(await outcome('10.0.0.2', unknown)).toBe('AUTH.TOKEN_UNKNOWN');
    clock.standStill(1000);
    expect(await outcome('10.0.0.1', unknown)).toBe('AUTH.TOKEN_UNKNOWN');
  });

  it('are not looked up in a burst either', async () => {
    asked = 0;
    const burst = await Promise.all(Array.from({ length: 9 }, () => outcome('10.0.0.4', unknown)));
    expect(burst.filter((code) => code === 'API.RATE_LIMITED')).toHaveLength(6);
    expect(asked).toBe(3);
  });

  it('are the only ones that count', async () => {
    for (let each = 0; each < 9; each++) {
      expect(await outcome('10.0.0.3', () => Promise.resolve('known'))).toBe('known');
      expect(await outcome('10.0.0.3', () => Promise.reject(databaseUnreachable(new Error('away'))))).not.toBe(
        'API.RATE_LIMITED',
      );
    }
  });
});
