import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { givenToken } from './given-token';

describe('the token that an agent was started with', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-token-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const fileOf = (text: string): string => {
    const path = join(folder, 'token');
    writeFileSync(path, text);
    return path;
  };

  it('is that of the file, else the one given as it is', () => {
    expect(givenToken({ token: 'given', tokenFile: undefined })).toBe('given');
    expect(givenToken({ token: 'given', tokenFile: fileOf('of-file\n') })).toBe('of-file');
  });

  it('is not hidden by a file that is missing or empty', () => {
    const missing = join(folder, 'missing');
    expect(givenToken({ token: 'given', tokenFile: missing })).toBe('given');
    expect(givenToken({ token: 'given', tokenFile: fileOf('\n') })).toBe('given');
    expect(givenToken({ token: undefined, tokenFile: missing })).toBeUndefined();
  });

  it('names a file that cannot be read', () => {
    expect(() => givenToken({ token: 'given', tokenFile: folder })).toThrow(
      expect.objectContaining({ code: 'AGENT.TOKEN_FILE_UNREADABLE', message: expect.stringContaining(folder) }),
    );
  });
});
