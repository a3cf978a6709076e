import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from '@millrace/core';
import type { GpuProblem } from './gpu-row';

export interface BoundedProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly secondsMax: number;
  readonly clock: Clock;
  /** Is given each line of the standard output that is a JSON object. */
  onMessage(message: Readonly<Record<string, unknown>>): void;
}

const STDERR_KEPT = 600;

/**
 * Runs a program to its end, or ends it when its time is over: a driver that hangs cannot be asked. Returns what went
 * wrong with the process as such.
 */
export async function runBounded({
  command,
  args,
  secondsMax,
  clock,
  onMessage,
}: BoundedProcess): Promise<GpuProblem | undefined> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT)));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const message = parsed(line);
    if (message !== undefined) onMessage(message);
  });
  const read = new Promise<void>((resolve) => void lines.once('close', resolve));
  let isLate = false;
  const cancel = clock.after(1000 * secondsMax, () => {
    isLate = true;
    child.kill('SIGKILL');
  });
  try {
    const end = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => {
        // What it printed last may not have been read yet.
        void read.then(() => resolve(code === 0 ? '' : `it ended with ${signal ?? `code ${code}`}`));
      });
    });
    if (isLate) return { code: 'BENCH.OUT_OF_TIME', message: `it was ended after its ${secondsMax} seconds` };
    return end === '' ? undefined : { code: 'BENCH.PROCESS_FAILED', message: `${end}: ${stderr}`.trim() };
  } finally {
    cancel();
  }
}

/** Drivers print lines of their own. */
function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
