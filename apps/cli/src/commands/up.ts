import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, command, port, wholeNumber } from '../command-context';
import { endpointPath } from '../config/cli-config';
import { Cluster } from '../up/cluster';
import { SYSTEM_FOLDER } from '../up/postgres-home';

interface UpOptions {
  readonly agents: number | 'auto';
  readonly home?: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly host?: string;
  readonly tls?: boolean;
  readonly advertise?: string;
  readonly json?: boolean;
}

const DATABASE_PLACE =
  '\nThe database is that of DATABASE_URL, or an embedded PostgreSQL whose files lie in the home. PostgreSQL does not run\n' +
  `as root: for root, if its user may not enter the home, they lie in ${SYSTEM_FOLDER}, with a link from the home.\n` +
  '`millrace doctor` tells the folder; `millrace leftovers` lists and deletes those that no home needs any more.\n';

/** `millrace up` runs a whole cluster in the foreground, until it is interrupted. */
export function upCommand(context: CommandContext): Command {
  return command('up', 'start the API, its database and local agents, in the foreground', 'millrace up --agents 2')
    .addHelpText('after', DATABASE_PLACE)
    .option('--agents <count>', 'local agents to start; auto = one for each GPU', agentCount, 1)
    .option('--home <folder>', 'where everything is kept (default: MILLRACE_HOME or ~/.millrace)')
    .option('--http-port <port>', 'port of the REST API; 0 = any free one', port, 7070)
    .option('--grpc-port <port>', 'port agents join at; 0 = any free one', port, 7071)
    .option('--tls', 'serve HTTPS and gRPC over TLS, with certificates made in HOME/tls at the first start')
    .option('--host <address>', 'address to bind (default: MILLRACE_HOST or 127.0.0.1); any other one needs TLS')
    .option('--advertise <host>', 'where agents on other machines reach those of this one (default: 127.0.0.1)')
    .action(async (options: UpOptions) => {
      const output = context.output(options);
      const home = resolve(options.home ?? context.config.home);
      const interrupted = untilInterrupted();
      const cluster = new Cluster({
        home,
        agentCount: options.agents,
        httpPort: options.httpPort,
        grpcPort: options.grpcPort,
        advertise: options.advertise,
        programs: context.programs,
        environment: withOptions(context.config.environment, options),
        clock: context.clock,
        say: (text) => output.note(text),
      });
      const endpoint = await Promise.race([cluster.start(), interrupted]);
      if (endpoint !== undefined) {
        output.result({ ...endpoint, token: undefined, home, endpointFile: endpointPath(home) }, () =>
          [
            `Millrace is up on ${hostname()}.`,
            `  REST API    ${endpoint.http}/api/v1`,
            `  agents join ${endpoint.grpc}`,
            `  endpoint    ${endpointPath(home)} (with the admin token)`,
            'Make the example dataset with: millrace datasets create --example moby-dick',
            'Submit a run with: millrace submit examples/moby-gpt.yaml --watch. Stop with Ctrl-C.',
          ].join('\n'),
        );
        await interrupted;
      }
      output.note('stopping');
      await cluster.stop();
      process.exit(0);
    });
}

/** Parses `--agents`. */
export function agentCount(text: string): number | 'auto' {
  return text === 'auto' ? text : wholeNumber(0)(text);
}

/** Writes the options into the environment of the API. */
function withOptions(environment: NodeJS.ProcessEnv, { host, tls }: UpOptions): NodeJS.ProcessEnv {
  return {
    ...environment,
    ...(host === undefined ? {} : { MILLRACE_HOST: host }),
    ...(tls === true ? { MILLRACE_TLS: 'made' } : {}),
  };
}

/**
 * Resolves at the first SIGINT or SIGTERM. Later signals change nothing, since stopping takes a bounded time anyway.
 */
function untilInterrupted(): Promise<undefined> {
  return new Promise((resolvePromise) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolvePromise(undefined));
  });
}
