import { expect, it } from 'vitest';
import { toAppError } from './to-app-error';

const nodes = (code: string, message: string): Error => Object.assign(new Error(message), { code });

it.each([
  ['its sender closed in the middle', nodes('HPE_INVALID_EOF_STATE', 'Parse Error')],
  ['its chunks are no chunks', nodes('HPE_INVALID_CHUNK_SIZE', 'Parse Error: Invalid character in chunk size')],
  ['its connection was reset', nodes('ECONNRESET', 'aborted')],
])('a request is broken, and the API is not, where %s', (_, thrown) => {
  expect(toAppError(thrown)?.code).toBe('API.BODY_BROKEN');
});

it('a bug stays a bug', () => {
  expect(toAppError(new TypeError('x is not a function'))).toBeUndefined();
  expect(toAppError(nodes('ERR_INVALID_ARG_TYPE', 'Parse Error'))).toBeUndefined();
});
