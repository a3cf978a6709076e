import { pino, type Logger as PinoLogger } from 'pino';
import type { ApiConfig } from './api-config';

/** Injection tokens of what is not a class: `@Inject(LOGGER) logger: Logger`, `@Inject(CLOCK) clock: Clock`. */
export const LOGGER = Symbol('Logger');
export const CLOCK = Symbol('Clock');

/** Wherever a secret could be by mistake; the value is replaced before the line is written. */
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

/** JSON lines on stderr: stdout belongs to the one line that tells the ports. */
export function createApiLogger(
  level: ApiConfig['logLevel'],
  destination: { write(line: string): void } = pino.destination({ dest: 2, sync: true }),
): PinoLogger {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: { app: 'api' }, redact: { paths, censor: '[redacted]' } }, destination);
}
