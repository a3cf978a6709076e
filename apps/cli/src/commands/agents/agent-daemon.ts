import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEVICE_NAME } from '@millrace/contracts/plain';
import { type CommandContext, command } from '../../command-context';
import { agentAllocator } from '../../config/agent-environment';
import { agentEnded, programMissing } from '../commands.errors';
import { AgentOutput, type LogForm } from './agent-output';

interface DaemonOptions {
  readonly join: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly advertise?: string;
  readonly device: string;
  readonly home?: string;
  readonly log?: LogForm;
  readonly json?: boolean;
}

const DEVICE_HELP = 'which GPU: a number, its UUID (GPU-…, of nvidia-smi -L) or its PCI address (0000:3b:00.0)';

/** `millrace agent` runs the daemon in the foreground. */
export function daemonCommand(context: CommandContext): Command {
  return command(
    'agent',
    "join this machine's GPU to a cluster, in the foreground",
    'millrace agent --join 127.0.0.1:7071 --token "$MILLRACE_TOKEN"',
  )
    .requiredOption('--join <host:port>', 'gRPC address of the API')
    .option('--token <token>', 'join token or admin token (default: MILLRACE_TOKEN); not needed again once joined')
    .option('--token-file <file>', 'file with that token, which others cannot read from the list of processes')
    .option('--ca <file>', 'certificate authority of an API with TLS (default: the one of the home, if there is one)')
    .option('--advertise <host:port>', 'address other agents reach this one at')
    .option('--device <which>', DEVICE_HELP, deviceName, '0')
    .option('--home <folder>', 'where the agent keeps its id and caches (default: agent-<device> in the home)')
    .addOption(
      new Option('--log <form>', 'how to tell what happens (default: text on a terminal, else json)').choices([
        'text',
        'json',
      ]),
    )
    .action((options: DaemonOptions) => runDaemon(context, options));
}

function deviceName(text: string): string {
  if (DEVICE_NAME.test(text)) return text;
  throw new InvalidArgumentError('it must be a number, a UUID such as GPU-5a8f0b52-…, or a PCI address.');
}

/** @throws AppError CLI.AGENT_ENDED, unless the agent was asked to end */
async function runDaemon(context: CommandContext, options: DaemonOptions): Promise<void> {
  const program = join(context.programs, 'apps', 'agent', 'src', 'main.js');
  if (!existsSync(program)) throw programMissing(program);
  const child = spawn(process.execPath, [program], {
    stdio: ['inherit', 'pipe', 'pipe'],
    env: daemonEnvironment(context, options),
  });
  const form = options.log ?? (process.stderr.isTTY && options.json !== true ? 'text' : 'json');
  const toStdout = form === 'json' ? process.stdout : process.stderr;
  const now = (): number => context.clock.now();
  const said = new AgentOutput({ form, now, write: (text) => process.stderr.write(text) });
  const announced = new AgentOutput({ form, now, write: (text) => toStdout.write(text) });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => said.feed(chunk));
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => announced.feed(chunk));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  // Only after `close` has everything been read that the agent wrote.
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw agentEnded(code ?? signal ?? 'unknown', said.lastWords());
}

function daemonEnvironment(context: CommandContext, options: DaemonOptions): NodeJS.ProcessEnv {
  const { environment, home, tlsCa } = context.config;
  return {
    ...environment,
    ...agentAllocator(environment),
    MILLRACE_JOIN: options.join,
    MILLRACE_HOME: options.home ?? join(home, `agent-${options.device.replaceAll(':', '-')}`),
    MILLRACE_DEVICE: options.device,
    ...tokenSettings(options, context),
    ...(options.advertise === undefined ? {} : { MILLRACE_ADVERTISE: options.advertise }),
    ...trust(options.ca ?? tlsCa),
  };
}

/** What the command line names takes precedence over the environment. */
function tokenSettings({ token, tokenFile }: DaemonOptions, { config }: CommandContext): NodeJS.ProcessEnv {
  if (tokenFile !== undefined) return { MILLRACE_TOKEN_FILE: resolve(tokenFile) };
  if (token !== undefined) return { MILLRACE_TOKEN: token, MILLRACE_TOKEN_FILE: undefined };
  return config.token === undefined ? {} : { MILLRACE_TOKEN: config.token };
}

function trust(ca: string | undefined): NodeJS.ProcessEnv {
  return ca === undefined ? {} : { MILLRACE_TLS_CA: ca };
}
