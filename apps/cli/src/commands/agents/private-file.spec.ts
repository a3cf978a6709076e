import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PrivateFile } from './private-file';

describe('a private file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-private-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is for its owner alone, even where a readable one was left over', () => {
    const path = join(folder, 'token');
    for (const each of [path, `${path}.new`]) writeFileSync(each, 'old', { mode: 0o644 });
    const file = PrivateFile.open(path);
    expect(readFileSync(path, 'utf8')).toBe('old');
    file.write('secret\n');
    file.close();
    expect(readFileSync(path, 'utf8')).toBe('secret\n');
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it('leaves what was there when nothing was written', () => {
    const path = join(folder, 'kept');
    writeFileSync(path, 'old');
    PrivateFile.open(path).close();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it.each(['a-folder', 'missing/token'])('%s cannot be one, which is found out first', (name) => {
    mkdirSync(join(folder, 'a-folder'), { recursive: true });
    expect(() => PrivateFile.open(join(folder, name))).toThrow(
      expect.objectContaining({ code: 'CLI.FILE_NOT_WRITTEN', message: expect.stringContaining(name) }),
    );
  });
});
