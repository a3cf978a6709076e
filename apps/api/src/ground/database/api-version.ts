import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prismaFolder } from './migrations';

/** The version of the whole program, from its package.json. */
export const API_VERSION: string = readVersion();

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(prismaFolder(), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
