import { bytesText } from '@millrace/core';
import type { Command } from 'commander';
import type { AgentBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { type CommandContext, command } from '../../command-context';
import { age, table } from '../../table';
import { daemonCommand } from './agent-daemon';
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
              ...items.flatMap(sharingText),
            ].join('\n'),
      );
    },
  );
}

function agentRow(agent: AgentBody, nowMs: number): (string | number)[] {
  const { adapter, benchmark } = agent;
  const memory = Number(adapter['memoryBytes'] ?? 0);
  return [
    agent.id,
    `${agent.host}:${agent.device}`,
    agent.state,
    Number(benchmark.matmulGflops.toFixed(1)),
    memory > 0 ? bytesText(memory) : '-',
    String(adapter['description'] ?? adapter['device'] ?? '-'),
    workText(agent),
    age(agent.lastSeenAt, nowMs),
  ];
}

function workText({ lease, generation }: AgentBody): string {
  if (lease !== null) return `${lease.runId} rank ${lease.rank}`;
  return generation === null ? '-' : 'a text';
}

/** A line under the table, which has no room for this. */
function setAsideText({ id, setAside }: AgentBody): string[] {
  return setAside === null ? [] : [`${id} gets no attempt until ${setAside.until}: ${setAside.reason}`];
}

/** Warns that two agents share a GPU, because its memory and speed are then counted twice. */
function sharingText({ id, sharesDeviceWith, adapter }: AgentBody): string[] {
  if (sharesDeviceWith.length === 0) return [];
  const gpu = String(adapter['uuid'] || adapter['pciAddress']);
  return [`${id} computes on the same GPU as ${sharesDeviceWith.join(', ')} (${gpu}): give each one of its own`];
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
