import { type AddressInfo, createServer, type Socket } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '@millrace/core';
import { prepareEmbeddedPostgres, untilReady } from './embedded-postgres';
import { ManagedProcess } from './managed-process';
import { freePort } from './ports';

let home: string;

beforeEach(() => {
  // mkdtemp makes it 0700: a user other than its owner cannot enter.
  home = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
});

afterEach(() => {
  const folder = join(home, 'postgres');
  if (existsSync(folder)) {
    const database = realpathSync(folder);
    for (const path of [database, `${database}.of`]) rmSync(path, { recursive: true, force: true });
  }
  rmSync(home, { recursive: true, force: true });
});

async function start(): Promise<{ process: ManagedProcess; url: string }> {
  const { plan, url } = await prepareEmbeddedPostgres(home, await freePort(0, ''), process.env);
  const postgres = new ManagedProcess(plan, home, systemClock, () => undefined);
  await postgres.start();
  await untilReady(url, { clock: systemClock, logPath: postgres.logPath });
  return { process: postgres, url };
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

it('runs in a private home, keeps its data over a restart, and wants its password', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  const pid = Number(readFileSync(join(home, 'pids', 'postgres'), 'utf8'));
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('postgres');
  const wrong = new URL(first.url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow(/password/);
  await first.process.stop(5000);

  const second = await start();
  expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  await second.process.stop(5000);
});

it('needs no temporary folder that its user may enter, and leaves no password behind', async () => {
  vi.stubEnv('TMPDIR', home);
  const { process: postgres } = await start();
  await postgres.stop(5000);
  vi.unstubAllEnvs();
  const database = realpathSync(join(home, 'postgres'));
  expect(existsSync(`${database}.password`)).toBe(false);
});

it('does not do what the shell says about another database', async () => {
  vi.stubEnv('PGSSLMODE', 'require');
  vi.stubEnv('PGOPTIONS', '-c no_such_setting=1');
  const { process: postgres, url } = await start().finally(() => vi.unstubAllEnvs());
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await postgres.stop(5000);
});

it('makes a new database for a home that was deleted and made again', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await first.process.stop(5000);
  const folder = realpathSync(join(home, 'postgres'));
  rmSync(home, { recursive: true });
  mkdirSync(home, { mode: 0o700 });
  const second = await start();
  expect(await query(second.url, `SELECT to_regclass('kept') AS kept`)).toEqual([{ kept: null }]);
  await second.process.stop(5000);
  for (const path of [folder, `${folder}.of`]) rmSync(path, { recursive: true, force: true });
});

it('stops waiting for the database when the start is interrupted', async () => {
  const url = `postgresql://postgres:x@127.0.0.1:1/millrace`;
  const options = { clock: systemClock, logPath: '', signal: AbortSignal.timeout(200) };
  await expect(untilReady(url, options)).rejects.toMatchObject({ code: 'UP.INTERRUPTED' });
}, 5000);

it('begins anew where an earlier start was killed while it made the files', async () => {
  const { plan } = await prepareEmbeddedPostgres(home, 1, process.env);
  const folder = plan.args[1]!;
  rmSync(folder, { recursive: true });
  mkdirSync(`${folder}.new`);
  writeFileSync(join(`${folder}.new`, 'PG_VERSION'), '18\n');
  const { process: postgres, url } = await start();
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(existsSync(`${folder}.new`)).toBe(false);
  await postgres.stop(5000);
});

it('ends the one a killed parent left and starts its own', async () => {
  const orphan = await start();
  const orphanPid = Number(readFileSync(join(home, 'pids', 'postgres'), 'utf8'));
  const next = await start();
  const nextPid = Number(readFileSync(join(home, 'pids', 'postgres'), 'utf8'));
  expect(nextPid).not.toBe(orphanPid);
  expect(() => process.kill(orphanPid, 0)).toThrow();
  await orphan.process.stop(1000);
  await next.process.stop(5000);
});

it('gives up a server that takes connections and says nothing', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `postgresql://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/none`;
  const interrupted = AbortSignal.abort();
  const ready = untilReady(url, { clock: systemClock, logPath: 'postgres.log', signal: interrupted });
  await expect(ready).rejects.toMatchObject({ code: 'UP.INTERRUPTED' });
  for (const socket of sockets) socket.destroy();
  server.close();
});
