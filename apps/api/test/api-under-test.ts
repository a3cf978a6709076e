import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { silentLogger } from '@millrace/core';
import { TokensService } from '../src/ground/auth/tokens.service';
import { ClusterModule } from '../src/cluster.module';
import { ApiConfig } from '../src/ground/config/api-config';
import { applyMigrations } from '../src/ground/database/migrations';
import { PrismaService } from '../src/ground/database/prisma.service';
import { FoundationModule } from '../src/foundation.module';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { RunActionsService } from '../src/requests/runs/run-actions.service';
import { RunsService } from '../src/requests/runs/runs.service';

export const TOKEN = 'test-token';

export interface ApiOptions {
  readonly databaseUrl: string;
  readonly home: string;
  readonly leaseMs?: number;
  /** Further settings. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The control plane of a real API over a real Postgres, without its HTTP side. */
export interface ApiUnderTest {
  readonly context: INestApplicationContext;
  readonly grpc: string;
  readonly prisma: PrismaService;
  readonly runs: RunsService;
  readonly actions: RunActionsService;
  get<T>(type: new (...args: never[]) => T): T;
  close(): Promise<void>;
}

export async function startApi({
  databaseUrl,
  home,
  leaseMs = 2_000,
  environment = {},
}: ApiOptions): Promise<ApiUnderTest> {
  await applyMigrations(databaseUrl);
  const config = ApiConfig.fromEnvironment({
    DATABASE_URL: databaseUrl,
    MILLRACE_HOME: home,
    MILLRACE_GRPC_PORT: '0',
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_LEASE_MS: String(leaseMs),
    MILLRACE_HEARTBEAT_MS: '200',
    ...environment,
  });
  const foundation = FoundationModule.register({ config, logger: silentLogger });
  const root = { module: class Root {}, imports: [foundation, ClusterModule] };
  const context = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
  await context.get(TokensService).ensure(TOKEN, 'test');
  return {
    context,
    grpc: context.get(GrpcServer).address,
    prisma: context.get(PrismaService),
    runs: context.get(RunsService),
    actions: context.get(RunActionsService),
    get: (type) => context.get(type),
    close: () => context.close(),
  };
}

export async function temporaryHome(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-api-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

type Check<T> = () => Promise<T | undefined | false> | T | undefined | false;

/** Polls until `check` gives something. */
export async function eventually<T>(what: string, check: Check<T>, timeoutMs = 10_000): Promise<T> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > until) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
