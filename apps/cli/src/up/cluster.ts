import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, hostPort } from '@millrace/core';
import { agentAllocator } from '../config/agent-environment';
import { type Endpoint, endpointPath, madeAuthority } from '../config/cli-config';
import { prepareEmbeddedPostgres, untilReady } from './embedded-postgres';
import { keepLogsShort } from './keep-logs-short';
import { endLeftOvers } from './left-overs';
import { agentsFor, machineGpus } from './machine-gpus';
import { LOG_FD, ManagedProcess, type ProcessPlan } from './managed-process';
import { freePort } from './ports';
import { homeInUse, startInterrupted } from './up.errors';
import { isUpProcess } from './up-process';

export interface ClusterOptions {
  readonly home: string;
  /** `auto` starts one for each GPU. */
  readonly agentCount: number | 'auto';
  /** 0 means any free port. */
  readonly httpPort: number;
  readonly grpcPort: number;
  /** The name or address at which agents on other machines reach those of this one; undefined if there are none. */
  readonly advertise?: string | undefined;
  /** The folder of the built programs, `dist`. */
  readonly programs: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly say: (text: string) => void;
}

const STOP_PATIENCE_MS = { agent: 4000, api: 3000, postgres: 2500 } as const;

/** A whole cluster on this machine: PostgreSQL, the API and agents. Each of them is started again when it dies. */
export class Cluster {
  private readonly parts: { process: ManagedProcess; patienceMs: number }[] = [];
  private stopping: Promise<void> | undefined;
  private readonly stopped = new AbortController();
  private leaveLogs: () => void = () => undefined;

  constructor(private readonly options: ClusterOptions) {}

  /**
   * Starts everything and writes `endpoint.json`. After an error, what was started is stopped again.
   * @throws AppError UP.*, UP.INTERRUPTED when `stop` was called meanwhile
   */
  async start(): Promise<Endpoint> {
    await this.claimHome();
    try {
      return await this.startParts();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops agents, API and database, in this order, within 10 s; it may be called while they start. */
  stop(): Promise<void> {
    this.stopped.abort();
    this.stopping ??= this.stopParts();
    return this.stopping;
  }

  private async stopParts(): Promise<void> {
    // A signal to the process group reaches the parts too: a part that ends by itself from now on must not be started
    // again.
    for (const { process: part } of this.parts) part.retire();
    this.leaveLogs();
    const agents = this.parts.filter(({ patienceMs }) => patienceMs === STOP_PATIENCE_MS.agent);
    await Promise.all(agents.map(({ process: agent, patienceMs }) => agent.stop(patienceMs)));
    for (const { process: part, patienceMs } of this.parts.toReversed()) await part.stop(patienceMs);
    rmSync(join(this.options.home, 'pids', 'up'), { force: true });
  }

  private async claimHome(): Promise<void> {
    const { home } = this.options;
    mkdirSync(join(home, 'pids'), { recursive: true, mode: 0o700 });
    const pidPath = join(home, 'pids', 'up');
    const owner = existsSync(pidPath) ? Number(readFileSync(pidPath, 'utf8')) : 0;
    if (owner > 1 && owner !== process.pid && isUpProcess(owner)) throw homeInUse(home, owner);
    writeFileSync(pidPath, `${process.pid}\n`);
    await endLeftOvers(home, this.options.say);
  }

  private async startParts(): Promise<Endpoint> {
    const { options } = this;
    const { environment, home } = options;
    this.leaveLogs = keepLogsShort({ folder: join(home, 'logs'), clock: options.clock, say: options.say });
    const httpPort = await freePort(options.httpPort, '--http-port');
    const grpcPort = await freePort(options.grpcPort, '--grpc-port');
    const given = environment['DATABASE_URL'];
    if (given !== undefined) options.say(`using the database of DATABASE_URL: ${withoutPassword(given)}`);
    const databaseUrl = given ?? (await this.startPostgres());
    options.say('starting the API');
    const api = this.add(
      this.nodeProcess('api', {
        ...(given === undefined ? withoutPostgresSettings(environment) : {}),
        DATABASE_URL: databaseUrl,
        MILLRACE_HOME: home,
        MILLRACE_HTTP_PORT: String(httpPort),
        MILLRACE_GRPC_PORT: String(grpcPort),
      }),
      STOP_PATIENCE_MS.api,
    );
    const { http, grpc } = JSON.parse(await api.start()) as Pick<Endpoint, 'http' | 'grpc'>;
    const endpoint = { http, grpc, token: readFileSync(join(home, 'token'), 'utf8').trim() };
    await this.startAgents(endpoint);
    this.writeEndpoint(endpoint);
    return endpoint;
  }

  private async startPostgres(): Promise<string> {
    const { options } = this;
    options.say('starting the embedded PostgreSQL');
    const port = await freePort(0, '');
    const { plan, url } = await prepareEmbeddedPostgres(options.home, port, options.environment);
    const postgres = this.add(plan, STOP_PATIENCE_MS.postgres);
    await postgres.start();
    await untilReady(url, { clock: options.clock, logPath: postgres.logPath, signal: this.stopped.signal });
    return url;
  }

  private async startAgents({ grpc, token }: Endpoint): Promise<void> {
    const { advertise, environment, home } = this.options;
    const agentCount = await this.countAgents();
    const agents: ManagedProcess[] = [];
    for (let number = 1; number <= agentCount; number++) {
      const dataPort = await freePort(0, '');
      const plan = this.nodeProcess('agent', {
        ...agentAllocator(environment),
        MILLRACE_HOME: join(home, `agent-${number}`),
        MILLRACE_JOIN: grpc,
        MILLRACE_TOKEN: token,
        MILLRACE_TOKEN_FILE: '',
        MILLRACE_DEVICE: String(number - 1),
        MILLRACE_DATA_PORT: String(dataPort),
        ...(advertise === undefined ? {} : { MILLRACE_ADVERTISE: hostPort(advertise, dataPort) }),
        ...trust(environment, home),
      });
      agents.push(this.add({ ...plan, name: `agent-${number}` }, STOP_PATIENCE_MS.agent));
    }
    await Promise.all(agents.map((agent) => agent.start()));
  }

  private async countAgents(): Promise<number> {
    const { agentCount, programs, environment, say } = this.options;
    const { count, why } =
      agentCount === 'auto'
        ? agentsFor(await machineGpus(programs, environment))
        : { count: agentCount, why: undefined };
    if (count > 0) say(`starting ${count} agent${count === 1 ? '' : 's'}${why === undefined ? '' : `: ${why}`}`);
    return count;
  }

  private nodeProcess(app: 'api' | 'agent', settings: NodeJS.ProcessEnv): ProcessPlan {
    return {
      name: app,
      command: process.execPath,
      args: [join(this.options.programs, 'apps', app, 'src', 'main.js')],
      environment: {
        ...this.options.environment,
        ...settings,
        ...{ MILLRACE_SUPERVISED: '1', MILLRACE_LOG_FD: app === 'agent' ? String(LOG_FD) : '' },
      },
      announces: true,
      hasDriver: app === 'agent',
      stopSignal: 'SIGTERM',
    };
  }

  private add(plan: ProcessPlan, patienceMs: number): ManagedProcess {
    if (this.stopping !== undefined) throw startInterrupted();
    const { home, clock, say } = this.options;
    const part = new ManagedProcess(plan, home, clock, (name, how, lastLines) => {
      const log = lastLines.length === 0 ? '' : `. Its log ends with:\n${lastLines.join('\n')}`;
      say(`${name} ${how}; starting it again${log}`);
    });
    this.parts.push({ process: part, patienceMs });
    return part;
  }

  private writeEndpoint(endpoint: Endpoint): void {
    const path = endpointPath(this.options.home);
    writeFileSync(`${path}.new`, `${JSON.stringify(endpoint, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** Describes for people where a database is and as whom it is used, without the password. */
function withoutPassword(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'it is not an address such as postgresql://user:password@host:port/database';
  const { hostname, port, pathname, username } = new URL(databaseUrl);
  return `${decodeURIComponent(pathname.slice(1))} at ${hostname}${port === '' ? '' : `:${port}`}, as ${username}`;
}

/** PGSSLMODE, PGOPTIONS and similar variables of the shell are meant for another database than the embedded one. */
function withoutPostgresSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = Object.keys(environment).filter((name) => name.startsWith('PG'));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * What an agent needs in order to trust the API: the authority that the API made, or that was named, or those that this
 * machine trusts.
 */
function trust(environment: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  if (environment['MILLRACE_TLS_CERT'] !== undefined)
    return { MILLRACE_TLS_CA: environment['MILLRACE_TLS_CA'] ?? 'system' };
  const made = environment['MILLRACE_TLS'] === 'made' ? madeAuthority(home) : undefined;
  return made === undefined ? {} : { MILLRACE_TLS_CA: made };
}
