import { describe, expect, it } from 'vitest';
import { Prisma } from '../../generated/prisma/client';
import { describeFailure, isUnreachable } from './prisma-failures';

describe('describeFailure', () => {
  it('keeps what was to be written out of the log', () => {
    const message = 'Invalid `attempt.create()`:\n{\n  dataKey: "73f0"\n}\n\nArgument `runId` is missing.\n';
    const error = new Prisma.PrismaClientValidationError(message, { clientVersion: '7' });
    expect(describeFailure(error)).toBe('PrismaClientValidationError: Argument `runId` is missing.');
  });

  it('leaves other errors as they are', () => {
    expect(describeFailure(new Error('no room'))).toBe('no room');
  });
});

describe('isUnreachable', () => {
  const known = (originalCode: string): Error =>
    new Prisma.PrismaClientKnownRequestError('raw query failed', {
      code: 'P2010',
      clientVersion: '7',
      meta: { driverAdapterError: { cause: { originalCode } } },
    });

  it.each(['57P01', '57P02', '57P03', '08006', '53300'])('says so of a server that ends or starts (%s)', (state) => {
    expect(isUnreachable(known(state))).toBe(true);
  });

  it('says so of a connection that broke', () => {
    const error = new Prisma.PrismaClientUnknownRequestError('Connection terminated unexpectedly', {
      clientVersion: '7',
    });
    expect(isUnreachable(error)).toBe(true);
  });

  it('says so of nothing else', () => {
    for (const error of [known('23505'), known('57014'), new Error('Connection terminated'), 'no'])
      expect(isUnreachable(error)).toBe(false);
  });
});
