import 'reflect-metadata';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Problem } from '@millrace/contracts';
import { type Logger, silentLogger } from '@millrace/core';
import { JumpingClock, startTemporaryPostgres, type TemporaryPostgres } from '@millrace/testing';
import { expect } from 'vitest';
import { ApiConfig } from '../src/ground/config/api-config';
import { createApi } from '../src/create-api';
import { PrismaService } from '../src/ground/database/prisma.service';

export interface CallOptions extends RequestInit {
  /** Without it the admin's; null sends none. */
  readonly token?: string | null;
}

/** A start takes two seconds; on a busy machine it may take this long. */
export const START_MS_MAX = 60_000;

/** The real application on a free port, with a Postgres and a home of its own. */
export class RunningApi {
  private app: NestExpressApplication | undefined;
  origin = '';
  token = '';

  private constructor(
    private readonly postgres: TemporaryPostgres,
    readonly home: string,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly logger: Logger,
    readonly clock: JumpingClock,
  ) {}

  static async start(
    environment: Readonly<Record<string, string>> = {},
    logger: Logger = silentLogger,
  ): Promise<RunningApi> {
    const home = await mkdtemp(join(tmpdir(), 'millrace-api-'));
    const api = new RunningApi(await startTemporaryPostgres(), home, environment, logger, new JumpingClock());
    try {
      await api.open();
    } catch (error) {
      await api.stop();
      throw error;
    }
    return api;
  }

  get application(): NestExpressApplication {
    if (this.app === undefined) throw new Error('the API is not running');
    return this.app;
  }

  get prisma(): PrismaService {
    return this.application.get(PrismaService, { strict: false });
  }

  get databaseUrl(): string {
    return this.postgres.url;
  }

  /** Stops the API and starts it again on the same database and home. */
  async restart(): Promise<void> {
    await this.application.close();
    await this.open();
  }

  async stop(): Promise<void> {
    await this.app?.close();
    await this.postgres.stop();
    await rm(this.home, { recursive: true, force: true });
  }

  /** A request under /api/v1, or of an absolute path. */
  call(path: string, { token = this.token, headers, ...init }: CallOptions = {}): Promise<Response> {
    const url = path.startsWith('//') ? `${this.origin}${path.slice(1)}` : `${this.origin}/api/v1${path}`;
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    return fetch(url, { ...init, headers: { ...authorization, ...(headers as Record<string, string>) } });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const document = typeof body === 'string' ? body : JSON.stringify(body);
    return this.call(path, {
      method: 'POST',
      body: document,
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  private async open(): Promise<void> {
    const config = ApiConfig.fromEnvironment({
      DATABASE_URL: this.postgres.url,
      MILLRACE_HOME: this.home,
      MILLRACE_HTTP_PORT: '0',
      MILLRACE_GRPC_PORT: '0',
      ...this.environment,
    });
    this.app = await createApi({ config, logger: this.logger, clock: this.clock });
    await this.app.listen(0, '127.0.0.1');
    this.origin = `http://127.0.0.1:${(this.app.getHttpServer().address() as AddressInfo).port}`;
    this.token = (await readFile(join(this.home, 'token'), 'utf8')).trim();
  }
}

/** Checks that an answer is a problem document of this status and code, and gives its body. */
export async function expectProblem(response: Response, status: number, code: string): Promise<Problem> {
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status });
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({ status, code });
  expect(problem.detail.length).toBeGreaterThan(0);
  return problem;
}

/** The smallest run spec that is accepted. */
export function runSpec(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'test',
    model: { family: 'gpt2', layers: 2, heads: 2, hidden: 8, context: 8 },
    data: { dataset: 'corpus' },
    train: { steps: 2, batch: { global: 2, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
    ...changes,
  };
}

/** A dataset of that name, long enough for `runSpec`. */
export async function createDataset(api: RunningApi, name = 'corpus'): Promise<{ id: string }> {
  const body = 'It was the best of times, it was the worst of times. '.repeat(20);
  const response = await api.call(`/datasets?name=${name}&tokenizer=byte`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/plain' },
  });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: string };
}
