import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomText } from '@millrace/core';

const TOKEN_BYTES = 32;

/** The admin token in `HOME/token`, which is made with mode 0600 at the first start. */
export async function readOrCreateHomeToken(home: string): Promise<string> {
  const path = join(home, 'token');
  await mkdir(home, { recursive: true, mode: 0o700 });
  try {
    // `wx` fails if the file exists: of two first starts at once, one makes it and both read it.
    await writeFile(path, `${randomText(TOKEN_BYTES)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await chmod(path, 0o600);
  }
  return (await readFile(path, 'utf8')).trim();
}
