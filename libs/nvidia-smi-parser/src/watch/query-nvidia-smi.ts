import { spawn as spawnProcess } from 'node:child_process';
import { NvidiaSmiParseError } from '../parse-error';
import { parseNvidiaSmi } from '../parse-nvidia-smi';
import type { NvidiaSmiReport } from '../report';
import { NvidiaSmiCommandError } from './command-error';
import type { CommandOutput, SpawnCommand } from './run-command';
import { CommandRunner } from './run-command';

export interface QueryOptions {
  /** Name or path. Default `nvidia-smi`. */
  readonly command?: string;
  /** Default `-q -x`. For CSV keep the header, or the columns have no names. */
  readonly args?: readonly string[];
  /** Default 10 s: a GPU without persistence mode takes seconds to wake up. */
  readonly timeoutMs?: number;
  /** Default 8 MiB. */
  readonly outputBytesMax?: number;
  readonly signal?: AbortSignal;
  /** Default `spawn` of node:child_process. */
  readonly spawn?: SpawnCommand;
}

/**
 * Runs nvidia-smi once. Throws NvidiaSmiCommandError or NvidiaSmiParseError. Give repeated calls the same `runner`, so
 * that they do not pile up behind a driver that hangs.
 */
export async function queryNvidiaSmi(
  options: QueryOptions = {},
  runner: CommandRunner = new CommandRunner(),
): Promise<NvidiaSmiReport> {
  const { command = 'nvidia-smi', args = ['-q', '-x'], timeoutMs = 10_000, outputBytesMax = 8 * 2 ** 20 } = options;
  const { signal, spawn = spawnProcess } = options;
  const output = await runner.run({ command, args, timeoutMs, outputBytesMax, spawn, signal });
  return reportOf(command, output, outputBytesMax);
}

/** A failing exit code need not spoil the report: nvidia-smi exits with 14 when an infoROM is corrupt. */
function reportOf(command: string, output: CommandOutput, inputBytesMax: number): NvidiaSmiReport {
  try {
    const report = parseNvidiaSmi(output.stdout, { inputBytesMax });
    if (output.exitCode === 0) return report;
    return { ...report, warnings: [...report.warnings, `${command} ended with exit code ${output.exitCode}`] };
  } catch (error) {
    if (output.exitCode === 0 || !(error instanceof NvidiaSmiParseError)) throw error;
    const said = [output.stdout.toString('utf8'), output.stderr].map((text) => text.trim()).find((text) => text !== '');
    const message = `${command} ended with exit code ${output.exitCode}: ${said?.slice(0, 300) ?? 'it printed nothing'}`;
    throw new NvidiaSmiCommandError('EXITED', message, { cause: error });
  }
}
