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

/** So long may a request take, which an upload of 2 GiB over a slow line needs; Node's own limit is five minutes. */
const REQUEST_MS_MAX = 6 * 3_600_000;

/** Makes the application: its database is migrated and the first admin token exists, but it does not listen yet. */
export async function createApi(options: FoundationOptions): Promise<NestExpressApplication> {
  const { config, logger } = options;
  const applied = await applyMigrations(config.databaseUrl);
  if (applied.length > 0) logger.info({ applied }, 'migrations applied');
  await ensureTlsFiles(config, (options.clock ?? systemClock).now());
  const app = await NestFactory.create<NestExpressApplication>(AppModule.register(options), {
    logger: nestLogger(logger),
    bodyParser: false,
    // An error must reach the caller, instead of ending the process here.
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

/** Whatever needs a token, weights included, must not be stored by any cache on the way or by the browser. */
function keepPrivate(request: Request, response: Response, next: NextFunction): void {
  if (request.path.startsWith('/api/v1/')) response.setHeader('Cache-Control', PRIVATE);
  next();
}

/** Some clients write `runs/x%3Acancel` for `runs/x:cancel`; both are the same address. */
function plainColons(request: Request, _: Response, next: NextFunction): void {
  const [path = '', ...query] = request.url.split('?');
  request.url = [path.replaceAll(/%3a/gi, ':'), ...query].join('?');
  next();
}

/**
 * Lets Express answer 304. `fetch` adds `Cache-Control: no-cache` to a request with If-None-Match, at which Express
 * never does; but that header addresses caches that answer on their own, and this is none.
 */
function answerConditions(request: Request, _: Response, next: NextFunction): void {
  if (request.headers['if-none-match'] !== undefined) delete request.headers['cache-control'];
  next();
}
