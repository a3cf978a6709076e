import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { describeError, type Logger } from '@millrace/core';
import { ApiConfig } from './ground/config/api-config';
import { createApiLogger } from './ground/config/api-logger';
import { createApi } from './create-api';
import { GrpcServer } from './boundary/grpc/grpc-server';
import { ServedAddresses } from './ground/tls/served-addresses';

/** A stop that takes longer is cut short; everything that matters is in the database. */
const SHUTDOWN_MS_MAX = 4_500;

async function main(): Promise<void> {
  const config = ApiConfig.fromEnvironment();
  const logger = createApiLogger(config.logLevel);
  const app = await createApi({ config, logger });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(app, logger, signal));
  // The supervisor holds the other end of stdin, which closes when the supervisor ends, whatever ended it.
  if (config.supervised) process.stdin.resume().once('end', () => void stop(app, logger, 'end of the supervisor'));
  await app.listen(config.httpPort, config.host);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const host = app.get(ServedAddresses, { strict: false }).localHost;
  const http = `${config.tls ? 'https' : 'http'}://${host}:${port}`;
  // This is the only line on stdout: whoever started this process waits for it.
  process.stdout.write(`${JSON.stringify({ http, grpc: app.get(GrpcServer, { strict: false }).address })}\n`);
  logger.info({ http }, 'the API is ready');
}

async function stop(app: NestExpressApplication, logger: Logger, signal: string): Promise<void> {
  logger.info({ signal }, 'stopping');
  setTimeout(() => process.exit(0), SHUTDOWN_MS_MAX).unref();
  await app.close().catch((error: unknown) => logger.error({ reason: describeError(error) }, 'did not stop cleanly'));
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${JSON.stringify({ level: 60, app: 'api', msg: `the API cannot start: ${describeError(error)}` })}\n`,
  );
  process.exit(1);
});
