import type { Command } from 'commander';
import type { JoinTokenBody, JoinTokenRecord } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { type CommandContext, command, wholeNumber } from '../../command-context';
import { age, table } from '../../table';
import { PrivateFile } from './private-file';

interface JoinTokenOptions {
  readonly json?: boolean;
  readonly minutes: number;
  readonly uses: number;
  readonly file?: string;
  readonly list?: boolean;
  readonly revoke?: string;
}

/** Makes a join token, lists the existing ones, or revokes one. */
export function joinTokenCommand(context: CommandContext): Command {
  return command('join-token', 'make a token that enrols one agent, once', 'millrace join-token --minutes 10')
    .option('--minutes <count>', 'how long it may be used', wholeNumber(1), 60)
    .option('--uses <count>', 'how many agents it enrols', wholeNumber(1), 1)
    .option('--file <file>', 'write the token there, for its owner alone; - prints it and nothing else')
    .option('--list', 'list the join tokens instead, newest first')
    .option('--revoke <id>', 'instead revoke the join token with this id, so that it enrols no more agents')
    .action(async (options: JoinTokenOptions) => {
      if (options.revoke !== undefined) await revoke(context, options, options.revoke);
      else if (options.list === true) await list(context, options);
      else await make(context, options);
    });
}

async function make(context: CommandContext, { minutes, uses, file, ...options }: JoinTokenOptions): Promise<void> {
  const request = { expiresInSeconds: minutes * 60, uses };
  const times = uses === 1 ? 'once' : `${uses} times`;
  const output = context.output(options);
  if (file !== undefined && file !== '-') {
    const { id, expiresAt } = await makeInFile(context, file, request);
    output.result({ id, file, uses, expiresAt }, () => `${file} (${times}, until ${expiresAt})`);
    return;
  }
  const made = await context.client().accounts.createJoinToken(request);
  output.result(made, ({ token, command: line, expiresAt }) =>
    file === '-' ? token : `${line}\n(${times}, until ${expiresAt})`,
  );
}

/** A token that cannot be written down is of no use to anybody: it is not made, or it is revoked. */
async function makeInFile(
  context: CommandContext,
  path: string,
  request: { expiresInSeconds: number; uses: number },
): Promise<JoinTokenBody> {
  const { accounts } = context.client();
  const file = PrivateFile.open(path);
  try {
    const made = await accounts.createJoinToken(request);
    try {
      file.write(`${made.token}\n`);
    } catch (error) {
      // The file is what the user must correct, whether or not the token could be revoked.
      await accounts.revokeJoinToken(made.id).catch(() => undefined);
      throw error;
    }
    return made;
  } finally {
    file.close();
  }
}

async function list(context: CommandContext, options: JoinTokenOptions): Promise<void> {
  const { accounts } = context.client();
  const tokens = await allPages((page) => accounts.joinTokens(page));
  const now = context.clock.now();
  context.output(options).result(tokens, (items) =>
    items.length === 0
      ? 'no join tokens yet; make one with: millrace join-token'
      : table(
          ['id', 'made by', 'made', 'expires', 'uses left', 'state', 'last agent'],
          items.map((token) => tokenRow(token, now)),
        ),
  );
}

function tokenRow(token: JoinTokenRecord, nowMs: number): string[] {
  const { id, createdBy, createdAt, expiresAt, uses, usesLeft, agentId } = token;
  const state = stateOf(token, nowMs);
  return [
    id,
    createdBy?.name ?? '-',
    age(createdAt, nowMs),
    expiresAt,
    `${usesLeft} of ${uses}`,
    state,
    agentId ?? '-',
  ];
}

function stateOf({ revokedAt, expiresAt, usesLeft }: JoinTokenRecord, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  if (usesLeft === 0) return 'used up';
  return Date.parse(expiresAt) <= nowMs ? 'expired' : 'in force';
}

async function revoke(context: CommandContext, options: JoinTokenOptions, id: string): Promise<void> {
  await context.client().accounts.revokeJoinToken(id);
  context.output(options).result({ id, revoked: true }, () => `${id} revoked; agents that joined with it stay`);
}
