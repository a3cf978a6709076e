import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from './live-cluster';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The checkout without it. */
  readonly cwd?: string;
  /** What is written to standard input. */
  readonly input?: string;
  /** Called with the process, for instance to signal it. */
  readonly started?: (child: ChildProcess) => void;
}

/** Runs `millrace ARGS` as a user does, in a process of its own, to its end. */
export function runCli(
  args: readonly string[],
  { cwd = ROOT, environment = {}, input, started }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'millrace.js'), ...args], {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => (output[name] += chunk));
  }
  child.stdin.end(input ?? '');
  started?.(child);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
}

/** The one JSON document that `--json` promises on standard output; fails the test where there is anything else. */
export function documentOf<T>({ code, stdout, stderr }: CliResult): T {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}
