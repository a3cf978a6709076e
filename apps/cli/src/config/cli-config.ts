import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { plainWords } from '@millrace/contracts';
import { z } from 'zod';
import { endpointUnknown, settingInvalid } from './config.errors';

const environmentSchema = z.object({
  MILLRACE_HOME: z.string().min(1).optional(),
  MILLRACE_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'it must be the address of the API, such as http://host:7070' })
    .refine((url) => !/[?#]/.test(url), 'it must end with the host, the port or a path, without ? and #')
    .optional(),
  MILLRACE_TOKEN: z.string().min(1).optional(),
  MILLRACE_TLS_CA: z.string().min(1).optional(),
});

const endpointFileSchema = z.object({ http: z.url(), grpc: z.string(), token: z.string() });

/** Where a cluster is reached: what `millrace up` writes into `endpoint.json`. */
export type Endpoint = z.output<typeof endpointFileSchema>;

/** The CLI's settings, read from the environment once. */
export interface CliConfig {
  readonly home: string;
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
  /** A file with the certificate authority to trust besides the usual ones. */
  readonly tlsCa: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** An empty variable counts as one that is not set, here and for every process that is started. */
export function readCliConfig(given: NodeJS.ProcessEnv = process.env): CliConfig {
  const environment = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(environment, { error: plainWords });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw settingInvalid(String(issue?.path[0]), issue?.message ?? 'not accepted');
  }
  const { MILLRACE_HOME, MILLRACE_ENDPOINT, MILLRACE_TOKEN, MILLRACE_TLS_CA } = parsed.data;
  const home = MILLRACE_HOME ?? join(homedir(), '.millrace');
  return {
    home,
    endpoint: MILLRACE_ENDPOINT,
    token: MILLRACE_TOKEN,
    tlsCa: MILLRACE_TLS_CA ?? madeAuthority(home),
    environment,
  };
}

export function endpointPath(home: string): string {
  return join(home, 'endpoint.json');
}

/** The authority that the API of this home has made, if it has. */
export function madeAuthority(home: string): string | undefined {
  const path = join(home, 'tls', 'ca.pem');
  return existsSync(path) ? path : undefined;
}

/** Finds the cluster to talk to: from the environment first, then from the home's `endpoint.json`. */
export function findEndpoint(config: CliConfig): Pick<Endpoint, 'http' | 'token'> {
  const file = readEndpointFile(config.home);
  const http = config.endpoint ?? file?.http;
  const token = config.token ?? file?.token;
  if (http === undefined || token === undefined) throw endpointUnknown(endpointPath(config.home));
  return { http, token };
}

export function readEndpointFile(home: string): Endpoint | undefined {
  const path = endpointPath(home);
  if (!existsSync(path)) return undefined;
  return endpointFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}
