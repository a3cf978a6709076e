import { hostname } from 'node:os';
import { join } from 'node:path';
import { plainWords } from '@millrace/contracts';
import { DEVICE_NAME, GPU_THREAD_SILENT_MS_MAX } from '@millrace/contracts/plain';
import { splitHostPort } from '@millrace/core';
import { z } from 'zod';
import type { InjectedFault } from '../worker/gpu-task';
import { parseFaults } from '../worker/injected-fault';
import { PULSE_INTERVAL_MS } from '../worker/worker-messages';
import { configInvalid } from './config.errors';

const port = z.coerce.number().int().min(0).max(65_535);
const ADDRESS = /^(\[[0-9A-Fa-f:]+\]|[^\s:/]+):\d{1,5}$/;
const address = z.string().regex(ADDRESS, 'must be host:port');
/** A host in any form that `splitHostPort` takes. */
const HOST = /^(\[[0-9A-Fa-f:]+\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|[^\s:/[\]]+)$/;
const advertised = z
  .string()
  .refine((text) => ADDRESS.test(text) || HOST.test(text), 'must be host:port, or a host beside MILLRACE_DATA_PORT');

const LABELS = /^[^=,\s]+=[^=,]*(,[^=,\s]+=[^=,]*)*$/;
const labels = z
  .string()
  .default('')
  .refine((text) => text === '' || LABELS.test(text), 'must be name=value,name=value');

const faults = z.string().transform((text, context) => {
  const parsed = parseFaults(text);
  if (parsed === undefined) context.addIssue('must be KIND@FENCE:STEP,… with a KIND of lose or hang');
  return parsed ?? [];
});

/** The thread sends a pulse every PULSE_INTERVAL_MS, and one of them may be late. */
const MIN_SILENT_MS = 2 * PULSE_INTERVAL_MS;

const deviceSchema = z.object({
  MILLRACE_CPU_THREADS: z.coerce.number().int().min(1).max(1024).optional(),
  MILLRACE_ADAPTER: z.string().min(1).optional(),
  MILLRACE_PACED_GFLOPS: z.coerce.number().positive().finite().optional(),
  MILLRACE_FAULTS: faults.optional(),
  MILLRACE_GPU_THREAD_SILENT_MS: z.coerce.number().int().min(MIN_SILENT_MS).max(GPU_THREAD_SILENT_MS_MAX).optional(),
});

const environmentSchema = deviceSchema.extend({
  MILLRACE_JOIN: address,
  MILLRACE_TOKEN: z.string().min(1).optional(),
  MILLRACE_TOKEN_FILE: z.string().min(1).optional(),
  MILLRACE_HOME: z.string().min(1),
  MILLRACE_ADVERTISE: advertised.optional(),
  MILLRACE_DATA_PORT: port.optional(),
  MILLRACE_DEVICE: z.string().regex(DEVICE_NAME, 'must be a number, a UUID (GPU-…) or a PCI address').default('0'),
  MILLRACE_GPU_ID: z.string().min(1).optional(),
  MILLRACE_LABELS: labels,
  MILLRACE_TLS_CA: z.string().min(1).optional(),
  MILLRACE_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  MILLRACE_SUPERVISED: z.literal('1').optional(),
  MILLRACE_LOG_FD: z.enum(['2', '3']).default('2'),
});

/** Which device to open and how: all settings that opening one needs. */
export interface DeviceConfig {
  /** Threads of a software driver; it takes all cores if this is not given. */
  readonly cpuThreads: number | undefined;
  /** A part of the name of the adapter to open. */
  readonly adapter: string | undefined;
  /** A test setting: the device computes nothing, and sleeps for as long as one of this speed would compute. */
  readonly pacedGflops: number | undefined;
  /** A test setting: the faults that happen to the device; none otherwise. */
  readonly faults: readonly InjectedFault[];
  /** A thread that says nothing for so long counts as hanging in its driver. */
  readonly gpuThreadSilentMs: number;
}

/** Settings of one agent, checked once at start. */
export interface AgentConfig extends DeviceConfig {
  /** The address of the API's gRPC, as host:port. */
  readonly join: string;
  /** An admin's or a join token; not needed once the agent has its own credential. */
  readonly token: string | undefined;
  /**
   * A file that holds such a token, given instead of `token`. It need not exist once the agent has its own credential.
   */
  readonly tokenFile: string | undefined;
  /** The agent's own folder, for its id and its caches. */
  readonly home: string;
  /** The address (host:port) at which other agents reach this one; by default loopback with its own port. */
  readonly advertise: string | undefined;
  /** The port to listen on: by default the advertised one; 0 means any free port. */
  readonly dataPort: number;
  /** Which GPU to open: a number, a UUID of nvidia-smi or a PCI address. */
  readonly device: string;
  /** UUID or PCI address of the GPU whose telemetry is sent, if the agent cannot find out which GPU it has. */
  readonly gpuId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly tlsCa: string | undefined;
  readonly logLevel: string;
  /**
   * The descriptor that the log is written to: with it a supervisor keeps the log apart from what a driver writes on
   * stderr.
   */
  readonly logFd: number;
  readonly host: string;
  /** `millrace up` started this agent, which leaves when its standard input ends. */
  readonly supervised: boolean;
}

/** Throws AGENT.CONFIG_INVALID, which names each variable that is wrong. */
export function readAgentConfig(env: NodeJS.ProcessEnv = process.env): AgentConfig {
  const data = parse(environmentSchema, env);
  return {
    join: data.MILLRACE_JOIN,
    token: data.MILLRACE_TOKEN,
    tokenFile: data.MILLRACE_TOKEN_FILE,
    home: data.MILLRACE_HOME,
    advertise: data.MILLRACE_ADVERTISE,
    dataPort: data.MILLRACE_DATA_PORT ?? portOf(data.MILLRACE_ADVERTISE),
    device: data.MILLRACE_DEVICE,
    gpuId: data.MILLRACE_GPU_ID,
    labels: parseLabels(data.MILLRACE_LABELS),
    tlsCa: data.MILLRACE_TLS_CA,
    logLevel: data.MILLRACE_LOG_LEVEL,
    logFd: Number(data.MILLRACE_LOG_FD),
    ...deviceConfigOf(data),
    host: hostname(),
    supervised: data.MILLRACE_SUPERVISED === '1',
  };
}

/** Reads only the settings of a device. Throws AGENT.CONFIG_INVALID. */
export function readDeviceConfig(env: NodeJS.ProcessEnv = process.env): DeviceConfig {
  return deviceConfigOf(parse(deviceSchema, env));
}

function deviceConfigOf(data: z.output<typeof deviceSchema>): DeviceConfig {
  return {
    cpuThreads: data.MILLRACE_CPU_THREADS,
    adapter: data.MILLRACE_ADAPTER,
    pacedGflops: data.MILLRACE_PACED_GFLOPS,
    faults: data.MILLRACE_FAULTS ?? [],
    gpuThreadSilentMs: data.MILLRACE_GPU_THREAD_SILENT_MS ?? GPU_THREAD_SILENT_MS_MAX,
  };
}

function parse<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.output<T> {
  // An empty variable counts as one that is not set.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given, { error: plainWords });
  if (!parsed.success)
    throw configInvalid(parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`));
  return parsed.data;
}

/** The port that is advertised. An agent behind a router listens on another one, which MILLRACE_DATA_PORT names. */
function portOf(advertised: string | undefined): number {
  return advertised === undefined ? 0 : (splitHostPort(advertised).port ?? 0);
}

/** The folder for what can be fetched again. */
export function cacheFolder(config: AgentConfig): string {
  return join(config.home, 'cache');
}

function parseLabels(text: string): Record<string, string> {
  if (text === '') return {};
  return Object.fromEntries(
    text.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}
