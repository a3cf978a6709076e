import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openQueue } from '../src/boundary/queue/queue-backend';
import type { ApiConfig } from '../src/ground/config/api-config';
import type * as Bounds from '../src/ground/database/connection-bounds';
import { applyMigrations } from '../src/ground/database/migrations';
import { PrismaService } from '../src/ground/database/prisma.service';

/** The bounds of the product are seconds; that everybody keeps to them is seen as well with shorter ones. */
vi.mock('../src/ground/database/connection-bounds', async (importActual) => {
  const { REACH_BOUNDS, CONNECTION_BOUNDS } = await importActual<typeof Bounds>();
  const reach = { ...REACH_BOUNDS, connectionTimeoutMillis: 200 };
  return { REACH_BOUNDS: reach, CONNECTION_BOUNDS: { ...CONNECTION_BOUNDS, ...reach, query_timeout: 200 } };
});

/** AuthenticationOk and ReadyForQuery of Postgres's protocol. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

let server: Server;
let databaseUrl: string;
let sockets: Socket[];
let welcomes: boolean;
let close: () => Promise<unknown>;

/** A database that takes connections, and then says nothing more, or nothing at all. */
beforeEach(async () => {
  sockets = [];
  close = () => Promise.resolve();
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => welcomes && socket.write(WELCOME));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  databaseUrl = `postgresql://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/none`;
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await close().catch(() => undefined);
});

const openCommands = (): Promise<unknown> => {
  const process = (): Promise<void> => Promise.resolve();
  const config = { databaseUrl, redisUrl: undefined };
  return openQueue({ name: 'silent', config, concurrency: 1, process, onError: () => undefined });
};
const askRepositories = async (): Promise<unknown> => {
  const prisma = new PrismaService({ databaseUrl } as ApiConfig);
  close = () => prisma.$disconnect();
  return prisma.$queryRaw`SELECT 1`;
};
const migrate = (): Promise<unknown> => applyMigrations(databaseUrl);

it.each([
  ['the repositories', askRepositories],
  ['the queue of commands', openCommands],
  ['migrations', migrate],
])('gives up a connection that nobody answers: %s', async (_, work) => {
  welcomes = false;
  await expect(work()).rejects.toThrow();
});

it.each([
  ['the repositories', askRepositories],
  ['the queue of commands', openCommands],
])('gives up a query that nobody answers: %s', async (_, work) => {
  welcomes = true;
  await expect(work()).rejects.toThrow();
});

it('bounds every wait for a database', async () => {
  const { CONNECTION_BOUNDS } = await vi.importActual<typeof Bounds>('../src/ground/database/connection-bounds');
  const { query_timeout: queryMs, statement_timeout: statementMs } = CONNECTION_BOUNDS;
  // A server that is there says first what took too long.
  expect(queryMs).toBeGreaterThan(statementMs);
  expect(CONNECTION_BOUNDS).toMatchObject({ connectionTimeoutMillis: 5_000, keepAlive: true });
});
