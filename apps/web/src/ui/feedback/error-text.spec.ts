import { AppError } from '@millrace/core';
import { expect, it } from 'vitest';
import { errorText } from './error-text';

const refused = (message: string): AppError =>
  new AppError({
    code: 'API.BODY_INVALID',
    kind: 'invalid',
    message,
    fields: [{ path: '/maxTokens', message: 'must be at most 4096' }],
  });

it('names a field that is wrong once', () => {
  const told = 'the body is not accepted: maxTokens: must be at most 4096';
  expect(errorText(refused(told))).toBe(told);
  expect(errorText(refused('the body is not accepted'))).toBe(
    'the body is not accepted; /maxTokens: must be at most 4096',
  );
});
