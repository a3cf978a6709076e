import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { AgentBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { type CommandContext, command, wholeNumber } from '../../command-context';
import { agentAllocator } from '../../config/agent-environment';
import { age, bytesText, table } from '../../table';
import { programMissing } from '../commands.errors';
import { joinTokenCommand } from './join-token';

interface Json {
  readonly json?: boolean;
}

/** The commands about agents: the daemon itself, the list, drain and undrain. */
export function agentCommands(context: CommandContext): Command[] {
  return [
    daemonCommand(context),
    joinTokenCommand(context),
    listCommand(context),
    drainCommand(context, true),
    drainCommand(context, false),
  ];
}

interface DaemonOptions extends Json {
  readonly join: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly advertise?: string;
  readonly device: number;
  readonly home?: string;
}

function daemonCommand(context: CommandContext): Command {
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
    .option('--device <index>', 'which GPU', wholeNumber(0), 0)
    .option('--home <folder>', 'where the agent keeps its id and caches (default: agent-<device> in the home)')
    .action(async (options: DaemonOptions) => {
      const program = join(context.programs, 'apps', 'agent', 'src', 'main.js');
      if (!existsSync(program)) throw programMissing(program);
      const child = spawn(process.execPath, [program], {
        stdio: 'inherit',
        env: {
          ...context.config.environment,
          ...agentAllocator(context.config.environment),
          MILLRACE_JOIN: options.join,
          MILLRACE_HOME: options.home ?? join(context.config.home, `agent-${options.device}`),
          MILLRACE_DEVICE: String(options.device),
          ...tokenSettings(options, context),
          ...(options.advertise === undefined ? {} : { MILLRACE_ADVERTISE: options.advertise }),
          ...trust(options.ca ?? context.config.tlsCa),
        },
      });
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
      const [code] = (await once(child, 'exit')) as [number | null];
      process.exitCode = code ?? 1;
    });
}

/** What the command line names wins over the environment. */
function tokenSettings({ token, tokenFile }: DaemonOptions, { config }: CommandContext): NodeJS.ProcessEnv {
  if (tokenFile !== undefined) return { MILLRACE_TOKEN_FILE: resolve(tokenFile) };
  if (token !== undefined) return { MILLRACE_TOKEN: token, MILLRACE_TOKEN_FILE: undefined };
  return config.token === undefined ? {} : { MILLRACE_TOKEN: config.token };
}

function trust(ca: string | undefined): NodeJS.ProcessEnv {
  return ca === undefined ? {} : { MILLRACE_TLS_CA: ca };
}

function listCommand(context: CommandContext): Command {
  return command('agents', 'list the agents, their devices and what they work on', 'millrace agents').action(
    async (options: Json) => {
      const client = context.client();
      const agents = await allPages((page) => client.agents(page));
      context.output(options).result(agents, (items) =>
        items.length === 0
          ? 'no agents yet; join one with: millrace agent --join HOST:PORT --token TOKEN'
          : [
              table(
                ['id', 'device', 'state', 'gflop/s', 'memory', 'adapter', 'works on', 'seen'],
                items.map((agent) => agentRow(agent, context.clock.now())),
              ),
              ...items.flatMap(setAsideText),
            ].join('\n'),
      );
    },
  );
}

function agentRow(agent: AgentBody, nowMs: number): (string | number)[] {
  const { adapter, benchmark, lease } = agent;
  const memory = Number(adapter['memoryBytes'] ?? 0);
  return [
    agent.id,
    `${agent.host}:${agent.device}`,
    agent.state,
    Number(benchmark.matmulGflops.toFixed(1)),
    memory > 0 ? bytesText(memory) : '-',
    String(adapter['description'] ?? adapter['device'] ?? '-'),
    lease === null ? '-' : `${lease.runId} rank ${lease.rank}`,
    age(agent.lastSeenAt, nowMs),
  ];
}

/** A line under the table, which has no room for it. */
function setAsideText({ id, setAside }: AgentBody): string[] {
  return setAside === null ? [] : [`${id} gets no attempt until ${setAside.until}: ${setAside.reason}`];
}

function drainCommand(context: CommandContext, drain: boolean): Command {
  const name = drain ? 'drain' : 'undrain';
  const description = drain
    ? 'give an agent no new work, and move what it has elsewhere'
    : 'let an agent that drains or is set aside work again';
  return command(name, description, `millrace ${name} agent_0a1b2c3d4e5f6g7h`)
    .argument('<agent>', 'id of the agent')
    .action(async (id: string, options: Json) => {
      const agent = await context.client().drainAgent(id, drain);
      context.output(options).result(agent, ({ state }) => `${id} ${state}`);
    });
}
