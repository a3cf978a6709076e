import { readFile } from 'node:fs/promises';
import { NestFactory } from '@nestjs/core';
import { systemClock } from '@millrace/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { AppModule } from './app.module';
import { readOrCreateHomeToken } from './ground/auth/home-token';
import { TokensService } from './ground/auth/tokens.service';
import { PRIVATE } from './ground/http/cache-control';
import { assignRequestId } from './ground/http/request-id';
import { strongEtag } from './ground/http/strong-etag';
import { keepEarlyAnswers } from './boundary/http/unread-bodies';
import { CLOCK } from './ground/config/api-logger';
import { securityHeaders } from './boundary/dashboard/security-headers';
import { dashboardFolder, serveDashboard } from './boundary/dashboard/serve-dashboard';
import { applyMigrations } from './ground/database/migrations';
import type { FoundationOptions } from './foundation.module';
import { nestLogger } from './ground/config/nest-logger';
import { ensureTlsFiles } from './ground/tls/ensure-tls-files';
import { PrometheusService } from './ground/prometheus/prometheus.service';

/** An upload of 2 GiB over a slow line takes this long; Node's own limit is five minutes. */
const REQUEST_MS_MAX = 6 * 3_600_000;

/** The application, its database migrated and its token known, not listening yet. */
export async function createApi(options: FoundationOptions): Promise<NestExpressApplication> {
  const { config, logger } = options;
  const applied = await applyMigrations(config.databaseUrl);
  if (applied.length > 0) logger.info({ applied }, 'migrations applied');
  await ensureTlsFiles(config, (options.clock ?? systemClock).now());
  const app = await NestFactory.create<NestExpressApplication>(AppModule.register(options), {
    logger: nestLogger(logger),
    bodyParser: false,
    // An error is thrown to the caller instead of ending the process here.
    abortOnError: false,
    forceCloseConnections: true,
    ...(config.tls
      ? { httpsOptions: { cert: await readFile(config.tls.cert), key: await readFile(config.tls.key) } }
      : {}),
  });
  configureExpress(app, config.tls !== undefined);
  await app.get(TokensService).ensure(await readOrCreateHomeToken(config.home), 'home');
  return app;
}

function configureExpress(app: NestExpressApplication, tls: boolean): void {
  app.disable('x-powered-by');
  app.set('etag', strongEtag);
  app.set('query parser', 'simple');
  app.use(keepEarlyAnswers(app.get(CLOCK)));
  app.use(
    assignRequestId,
    app.get(PrometheusService).observe,
    plainColons,
    keepPrivate,
    answerConditions,
    securityHeaders(tls),
  );
  app.use(serveDashboard(dashboardFolder()));
  app.getHttpServer().requestTimeout = REQUEST_MS_MAX;
}

/** What is told to whom has a token, weights too, is kept by nobody on the way and by no browser. */
function keepPrivate(request: Request, response: Response, next: NextFunction): void {
  if (request.path.startsWith('/api/v1/')) response.setHeader('Cache-Control', PRIVATE);
  next();
}

/** Some clients write `runs/x%3Acancel` for `runs/x:cancel`, which is the same address. */
function plainColons(request: Request, _: Response, next: NextFunction): void {
  const [path = '', ...query] = request.url.split('?');
  request.url = [path.replaceAll(/%3a/gi, ':'), ...query].join('?');
  next();
}

/**
 * `fetch` adds `Cache-Control: no-cache` to a request with If-None-Match, and Express then never answers 304. It
 * forbids caches to answer by themselves; this is no cache.
 */
function answerConditions(request: Request, _: Response, next: NextFunction): void {
  if (request.headers['if-none-match'] !== undefined) delete request.headers['cache-control'];
  next();
}
