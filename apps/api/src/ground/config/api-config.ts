import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { plainWords } from '@millrace/contracts';
import { z } from 'zod';
import { configInvalid } from './config.errors';

const port = (standard: number) => z.coerce.number().int().min(0).max(65_535).default(standard);
const milliseconds = (standard: number) => z.coerce.number().int().min(100).max(86_400_000).default(standard);
const days = (standard: number) => z.coerce.number().int().min(1).max(36_500).default(standard);
const GIB = 1024 ** 3;
const TLS_NAMES = /^[A-Za-z0-9.:-]+(,[A-Za-z0-9.:-]+)*$/;

const environmentSchema = z.object({
  DATABASE_URL: z
    .string({ error: 'is required: postgresql://user:password@host:port/database' })
    .refine(
      (url) => !/[?&]schema=/.test(url),
      'names a schema, which this build does not support; give Millrace a database of its own',
    )
    .refine(
      (url) => !/[?&]options=[^&]*search_path/i.test(url),
      'sets a search_path, which this build does not support; give Millrace a database of its own',
    ),
  REDIS_URL: z.string().min(1).optional(),
  MILLRACE_HOME: z.string().min(1).optional(),
  MILLRACE_BLOBS: z
    .string()
    .min(1)
    .refine(
      (place) => !place.startsWith('s3://'),
      'names a block store on S3, which this build does not support; give a folder',
    )
    .optional(),
  MILLRACE_HOST: z.string().min(1).default('127.0.0.1'),
  MILLRACE_HTTP_PORT: port(7070),
  MILLRACE_GRPC_PORT: port(7071),
  MILLRACE_TLS: z.enum(['off', 'made'], { error: 'must be off or made' }).optional(),
  MILLRACE_TLS_NAMES: z
    .string()
    .default('')
    .refine((names) => names === '' || TLS_NAMES.test(names), 'must be host names and addresses, separated by commas'),
  MILLRACE_TLS_CERT: z.string().min(1).optional(),
  MILLRACE_TLS_KEY: z.string().min(1).optional(),
  MILLRACE_LEASE_MS: milliseconds(15_000),
  MILLRACE_HEARTBEAT_MS: milliseconds(3_000),
  MILLRACE_GRACE_MS: milliseconds(900_000),
  MILLRACE_UPLOAD_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .default(2 * GIB),
  MILLRACE_REQUESTS_PER_SECOND: z.coerce.number().int().min(1).max(1_000_000).default(200),
  MILLRACE_FULL_DISK: z.string().min(1).optional(),
  MILLRACE_KEEP_STEPS: z.coerce.number().int().min(1_000).max(1_000_000_000).default(20_000),
  MILLRACE_KEEP_EVENTS_DAYS: days(90),
  MILLRACE_KEEP_LOGS_DAYS: days(90),
  MILLRACE_KEEP_AUDIT_DAYS: days(365),
  MILLRACE_KEEP_PROFILES_DAYS: days(90),
  MILLRACE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  MILLRACE_SUPERVISED: z.literal('1').optional(),
});
type Environment = z.output<typeof environmentSchema>;

/** Paths of PEM files, which both ports use. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Whether the API makes the certificate itself, under an authority of its own. */
  readonly made: boolean;
}

/** How long records are kept. */
export interface KeptRecords {
  /** The metric points of a run's so many newest steps stay as they are; older ones are thinned. */
  readonly steps: number;
  readonly eventDays: number;
  readonly logDays: number;
  readonly auditDays: number;
  /** Days for which the times of layers on a kind of device are kept after they were last measured. */
  readonly profileDays: number;
}

/** The API's settings, complete and frozen. No other code reads its environment. */
export class ApiConfig {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  readonly home: string;
  /** Folder of blocks and token files. */
  readonly blobs: string;
  /** A test setting: while there is a file with this path, blocks find a disk without room. */
  readonly fullDisk: string | undefined;
  readonly host: string;
  /** 0 means any free port. */
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly tls: TlsFiles | undefined;
  /** Further names for a certificate that the API makes. */
  readonly tlsNames: readonly string[];
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly graceMs: number;
  readonly uploadBytesMax: number;
  /** The limit for each token. */
  readonly requestsPerSecond: number;
  readonly kept: KeptRecords;
  readonly logLevel: Environment['MILLRACE_LOG_LEVEL'];
  /**
   * The collector that traces are sent to over OTLP/HTTP, as an address without `/v1/traces`. If it is not set, no
   * traces are sent.
   */
  readonly otlpEndpoint: string | undefined;
  /** `millrace up` started this API, which stops when its standard input ends. */
  readonly supervised: boolean;

  private constructor(environment: Environment) {
    this.databaseUrl = environment.DATABASE_URL;
    this.redisUrl = environment.REDIS_URL;
    this.home = resolve(environment.MILLRACE_HOME ?? join(homedir(), '.millrace'));
    this.blobs = resolve(environment.MILLRACE_BLOBS ?? join(this.home, 'blobs'));
    this.fullDisk = environment.MILLRACE_FULL_DISK;
    this.host = environment.MILLRACE_HOST;
    this.httpPort = environment.MILLRACE_HTTP_PORT;
    this.grpcPort = environment.MILLRACE_GRPC_PORT;
    this.tls = tlsFiles(environment, this.home);
    this.tlsNames = environment.MILLRACE_TLS_NAMES.split(',').filter((name) => name !== '');
    this.leaseMs = environment.MILLRACE_LEASE_MS;
    this.heartbeatMs = environment.MILLRACE_HEARTBEAT_MS;
    this.graceMs = environment.MILLRACE_GRACE_MS;
    this.uploadBytesMax = environment.MILLRACE_UPLOAD_BYTES_MAX;
    this.requestsPerSecond = environment.MILLRACE_REQUESTS_PER_SECOND;
    this.kept = {
      steps: environment.MILLRACE_KEEP_STEPS,
      eventDays: environment.MILLRACE_KEEP_EVENTS_DAYS,
      logDays: environment.MILLRACE_KEEP_LOGS_DAYS,
      auditDays: environment.MILLRACE_KEEP_AUDIT_DAYS,
      profileDays: environment.MILLRACE_KEEP_PROFILES_DAYS,
    };
    this.logLevel = environment.MILLRACE_LOG_LEVEL;
    this.otlpEndpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT;
    this.supervised = environment.MILLRACE_SUPERVISED === '1';
    Object.freeze(this);
  }

  /** @throws AppError CONFIG.INVALID, which names the variables */
  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): ApiConfig {
    // An empty variable counts as one that is not set.
    const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
    const parsed = environmentSchema.safeParse(given, { error: plainWords });
    if (!parsed.success) {
      throw configInvalid(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
    }
    refuseUnsafe(parsed.data);
    return new ApiConfig(parsed.data);
  }
}

/** Files that the user gave take precedence. */
function tlsFiles(environment: Environment, home: string): TlsFiles | undefined {
  const { MILLRACE_TLS: mode, MILLRACE_TLS_CERT: cert, MILLRACE_TLS_KEY: key } = environment;
  if (cert !== undefined && key !== undefined) return { cert, key, made: false };
  return mode === 'made'
    ? { cert: join(home, 'tls', 'cert.pem'), key: join(home, 'tls', 'key.pem'), made: true }
    : undefined;
}

/** Without TLS tokens travel in clear text, so that the ports may then be reached from this machine only. */
function refuseUnsafe(environment: Environment): void {
  const { MILLRACE_HOST: host, MILLRACE_TLS_CERT: cert, MILLRACE_TLS_KEY: key } = environment;
  if ((cert === undefined) !== (key === undefined)) {
    const path = cert === undefined ? 'MILLRACE_TLS_CERT' : 'MILLRACE_TLS_KEY';
    throw configInvalid([{ path, message: 'is missing: TLS needs both MILLRACE_TLS_CERT and MILLRACE_TLS_KEY' }]);
  }
  const local = ['127.0.0.1', 'localhost', '::1'].includes(host);
  if (!local && cert === undefined && environment.MILLRACE_TLS !== 'made') {
    const message = `is ${host}: another address than 127.0.0.1 needs MILLRACE_TLS=made, or MILLRACE_TLS_CERT and _KEY`;
    throw configInvalid([{ path: 'MILLRACE_HOST', message }]);
  }
  if (environment.MILLRACE_HEARTBEAT_MS >= environment.MILLRACE_LEASE_MS) {
    const { MILLRACE_HEARTBEAT_MS: heartbeatMs, MILLRACE_LEASE_MS: leaseMs } = environment;
    const message = `is ${heartbeatMs}, which is not below MILLRACE_LEASE_MS = ${leaseMs}`;
    throw configInvalid([{ path: 'MILLRACE_HEARTBEAT_MS', message }]);
  }
}
