import { pino, type Logger as PinoLogger } from 'pino';
import type { ApiConfig } from './api-config';

/**
 * Injection tokens for things that are not classes: `@Inject(LOGGER) logger: Logger`, `@Inject(CLOCK) clock: Clock`.
 */
export const LOGGER = Symbol('Logger');
export const CLOCK = Symbol('Clock');

/** Fields in which a secret could stand by mistake; the value is replaced before the line is written. */
const SECRETS = [
  'authorization',
  'token',
  'bearer',
  'dataKey',
  'privateKey',
  'dataCredential',
  'databaseUrl',
  'password',
  'cookie',
  'credential',
  'secret',
];

/** Writes JSON lines to stderr: stdout is for the one line that tells the ports. */
export function createApiLogger(
  level: ApiConfig['logLevel'],
  destination: { write(line: string): void } = pino.destination({ dest: 2, sync: true }),
): PinoLogger {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: { app: 'api' }, redact: { paths, censor: '[redacted]' } }, destination);
}
