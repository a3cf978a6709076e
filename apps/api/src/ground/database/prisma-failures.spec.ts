import { describe, expect, it } from 'vitest';
import { Prisma } from '../../generated/prisma/client';
import { describeFailure } from './prisma-failures';

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
