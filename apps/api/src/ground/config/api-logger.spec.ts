import { describe, expect, it } from 'vitest';
import { createApiLogger } from './api-logger';

describe('the log', () => {
  it('never has a secret, wherever it was put', () => {
    const lines: string[] = [];
    const logger = createApiLogger('debug', { write: (line) => void lines.push(line) });
    const secret = 'hunter2';
    logger.info({ token: secret, authorization: `Bearer ${secret}`, plan: { dataKey: secret } }, 'one');
    logger.info(
      { request: { headers: { authorization: secret, cookie: secret } }, config: { databaseUrl: secret } },
      'two',
    );
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain(secret);
    expect(lines.join('')).toContain('[redacted]');
  });
});
