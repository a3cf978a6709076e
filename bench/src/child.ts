import { spawn } from 'node:child_process';
import { AppError } from '@millrace/core';

/** Runs a Node program to its end and parses the last line of its standard output. */
export async function runNode<T>(
  program: string,
  args: readonly (string | number)[],
  environment: NodeJS.ProcessEnv = {},
): Promise<T> {
  const child = spawn(process.execPath, [program, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (code === 0 && line.startsWith('{')) return JSON.parse(line) as T;
  throw new AppError({
    code: 'BENCH.CHILD_FAILED',
    kind: 'internal',
    message: `${program} ended with code ${code ?? '?'}: ${stderr || stdout}`,
  });
}
