import type { Command } from 'commander';
import { type CommandContext, command } from '../command-context';
import { type Finding, examine } from '../doctor/examine';

const MARK = { ok: 'ok  ', warning: 'warn', problem: 'FAIL' } as const;

/** `millrace doctor` shows what this machine offers and, for each problem, the command that solves it. */
export function doctorCommand(context: CommandContext): Command {
  return command(
    'doctor',
    'examine this machine: GPU, driver, database, ports, disk, versions',
    'millrace doctor',
  ).action(async (options: { json?: boolean }) => {
    const findings = await examine(context);
    const healthy = findings.every(({ status }) => status !== 'problem');
    context.output(options).result({ healthy, findings }, () => findings.map(describe).join('\n'));
    if (!healthy) process.exitCode = 1;
  });
}

function describe({ name, status, detail, mend }: Finding): string {
  const line = `${MARK[status]}  ${name.padEnd(10)} ${detail}`;
  return mend === undefined ? line : `${line}\n      mend it with: ${mend}`;
}
