import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { AppError, describeError, systemClock } from '@millrace/core';
import { type CommandContext, createContext } from './command-context';
import { agentCommands } from './commands/agents/agents';
import { datasetsCommand } from './commands/datasets';
import { doctorCommand } from './commands/doctor';
import { runDataCommands } from './commands/run-data';
import { runCommands } from './commands/runs';
import { leftoversCommand } from './doctor/leftovers';
import { scheduleCommand } from './commands/schedule';
import { upCommand } from './commands/up';
import { readCliConfig } from './config/cli-config';
import { version } from '../../../package.json';

/** The whole command line. */
function createProgram(context: CommandContext): Command {
  const program = new Command('millrace')
    .description('Train transformers across the GPUs you already have.')
    .version(version)
    .showHelpAfterError('(add --help for the options and an example)');
  const commands = [
    upCommand(context),
    ...runCommands(context),
    ...runDataCommands(context),
    datasetsCommand(context),
    ...agentCommands(context),
  ];
  for (const each of [...commands, scheduleCommand(context), doctorCommand(context), leftoversCommand(context)])
    program.addCommand(each);
  return program;
}

/** A reader that has enough, such as `head`, closes the pipe: then nobody reads any more, and nothing is wrong. */
function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw error;
    });
}

async function main(): Promise<void> {
  endWithReader();
  const programs = resolve(join(__dirname, '..', '..', '..'));
  try {
    await createProgram(createContext(readCliConfig(), systemClock, programs)).parseAsync();
  } catch (error) {
    reportError(error);
    process.exitCode = 1;
  }
}

/** Writes one line about what a user can correct; for a bug also the stack. */
function reportError(error: unknown): void {
  const json = process.argv.includes('--json');
  if (error instanceof AppError) {
    process.stderr.write(`millrace: ${error.message}\n`);
    if (json)
      process.stdout.write(
        `${JSON.stringify({ error: { code: error.code, message: error.message, fields: error.fields } })}\n`,
      );
    return;
  }
  process.stderr.write(
    `millrace: internal error: ${describeError(error)}\n${error instanceof Error ? (error.stack ?? '') : ''}\n`,
  );
}

void main();
