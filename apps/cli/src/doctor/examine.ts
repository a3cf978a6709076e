import { existsSync, mkdirSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { bytesText, describeError } from '@millrace/core';
import type { CommandContext } from '../command-context';
import { readEndpointFile } from '../config/cli-config';
import { homelessDatabases } from '../up/homeless-databases';
import { freePort } from '../up/ports';
import { isUpProcess } from '../up/up-process';
import { askForAdapter } from './ask-for-adapter';
import { version } from '../../../../package.json';

/** The result of one check; `mend` is a command if there is a problem to solve. */
export interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly mend?: string;
  readonly data?: unknown;
}

type Check = (context: CommandContext) => Promise<Finding[]>;

const DISK_BYTES_MIN = 2 * 1024 ** 3;
const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 19;

/** Examines everything that a cluster on this machine needs. */
export async function examine(context: CommandContext): Promise<Finding[]> {
  const checks: readonly Check[] = [versions, adapter, database, ports, disk, cluster];
  const findings: Finding[] = [];
  for (const check of checks) findings.push(...(await check(context)));
  return findings;
}

function versions({ programs }: CommandContext): Promise<Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fresh = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN);
  const built = existsSync(join(programs, 'apps', 'api', 'src', 'main.js'));
  const detail = `Millrace ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const findings: Finding[] = [
    fresh
      ? { name: 'versions', status: 'ok', detail }
      : {
          name: 'versions',
          status: 'problem',
          detail: `${detail}: Node ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer is needed`,
          mend: 'apt-get install nodejs',
        },
  ];
  if (!built)
    findings.push({ name: 'build', status: 'problem', detail: `${programs} lacks the API`, mend: 'npm run setup' });
  return Promise.resolve(findings);
}

async function adapter(context: CommandContext): Promise<Finding[]> {
  try {
    const found = await askForAdapter(context);
    const { description, vendor, architecture, adapterClass, features, limits, driver } = found;
    const software = adapterClass === 'cpu';
    const name = [description, vendor, architecture].filter((text) => text !== undefined && text !== '').join(', ');
    const storage = limits['maxStorageBufferBindingSize'] ?? 0;
    return [
      { name: 'adapter', status: 'ok', detail: software ? `${name} (software: no GPU was found)` : name, data: found },
      { name: 'driver', status: 'ok', detail: driver ?? 'not told by the adapter' },
      {
        name: 'limits',
        status: 'ok',
        detail: `storage binding ${bytesText(storage)}, buffer ${bytesText(limits['maxBufferSize'] ?? 0)}`,
        data: limits,
      },
      { name: 'features', status: 'ok', detail: features.join(' ') || 'none' },
    ];
  } catch (error) {
    return [{ name: 'adapter', status: 'problem', detail: describeError(error), mend: 'npm run setup' }];
  }
}

async function database({ config }: CommandContext): Promise<Finding[]> {
  const url = config.environment['DATABASE_URL'];
  if (url === undefined) {
    const passwordPath = join(config.home, 'postgres-password');
    const inHome = join(config.home, 'postgres');
    const state =
      existsSync(passwordPath) && existsSync(inHome)
        ? `its files are in ${realpathSync(inHome)}`
        : '`millrace up` makes it at its first start';
    return [{ name: 'database', status: 'ok', detail: `embedded PostgreSQL; ${state}` }, ...leftOverDatabases()];
  }
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>('SELECT version()');
    return [{ name: 'database', status: 'ok', detail: (rows[0]?.version ?? '').split(',')[0] ?? '' }];
  } catch (error) {
    const detail = `DATABASE_URL does not answer: ${describeError(error)}`;
    return [
      { name: 'database', status: 'problem', detail, mend: 'unset DATABASE_URL   # uses the embedded PostgreSQL' },
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}

function leftOverDatabases(): Finding[] {
  return homelessDatabases()
    .filter(({ home }) => home !== null)
    .map(({ folder, home }) => ({
      name: 'left over',
      status: 'warning',
      detail: `${folder} is the database of ${home}, which is gone or has another one now`,
      mend: `millrace leftovers delete ${folder}   # if that home was not moved elsewhere`,
    }));
}

async function ports({ config }: CommandContext): Promise<Finding[]> {
  if (runningPid(config.home) !== undefined) return [];
  return Promise.all(
    (
      [
        ['--http-port', 7070],
        ['--grpc-port', 7071],
      ] as const
    ).map(async ([flag, port]): Promise<Finding> => {
      const free = await freePort(port, flag).then(
        () => true,
        () => false,
      );
      return free
        ? { name: 'port', status: 'ok', detail: `${port} is free` }
        : {
            name: 'port',
            status: 'warning',
            detail: `${port} is taken by another program`,
            mend: `millrace up ${flag} 0`,
          };
    }),
  );
}

function disk({ config }: CommandContext): Promise<Finding[]> {
  mkdirSync(config.home, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = statfsSync(config.home);
  const free = bavail * bsize;
  const detail = `${bytesText(free)} free in ${config.home}`;
  if (free >= DISK_BYTES_MIN) return Promise.resolve([{ name: 'disk', status: 'ok', detail }]);
  return Promise.resolve([
    {
      name: 'disk',
      status: 'warning',
      detail: `${detail}; checkpoints may not fit`,
      mend: 'millrace up --home FOLDER   # on a larger disk',
    },
  ]);
}

async function cluster(context: CommandContext): Promise<Finding[]> {
  const pid = runningPid(context.config.home);
  const endpoint = readEndpointFile(context.config.home);
  if (endpoint === undefined || pid === undefined) {
    return [{ name: 'cluster', status: 'ok', detail: 'none runs on this home' }];
  }
  try {
    const agents = await context.client().agents();
    const connected = agents.items.filter(({ state }) => state !== 'disconnected').length;
    return [
      {
        name: 'cluster',
        status: 'ok',
        detail: `${endpoint.http}, ${connected} of ${agents.items.length} agents connected`,
      },
    ];
  } catch (error) {
    return [
      {
        name: 'cluster',
        status: 'problem',
        detail: describeError(error),
        mend: `tail ${join(context.config.home, 'logs', 'api.log')}`,
      },
    ];
  }
}

/** The pid of the `millrace up` on this home, if one is running. */
function runningPid(home: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(home, 'pids', 'up'), 'utf8'));
    return isUpProcess(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
