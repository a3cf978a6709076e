import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { NvidiaSmiCommandError } from './command-error';

export type SpawnCommand = (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;

export interface RunOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
  readonly spawn: SpawnCommand;
  readonly signal?: AbortSignal;
}

export interface CommandOutput {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
}

const STDERR_BYTES_MAX = 4096;
/** How long a killed process may take to go before the caller is answered without it. */
const KILL_GRACE_MS = 2000;

/** One command after the other: while one that was killed is still there, no second one joins it. */
export class CommandRunner {
  #lingering: ChildProcess | null = null;

  /** Answers once the process has gone, or KILL_GRACE_MS after it was killed. */
  async run(options: RunOptions): Promise<CommandOutput> {
    if (options.signal?.aborted) throw aborted(options);
    if (this.#lingering !== null && !hasGone(this.#lingering))
      throw new NvidiaSmiCommandError(
        'STILL_RUNNING',
        `${options.command} (pid ${this.#lingering.pid}) was killed and has not gone: its driver may hang`,
      );
    this.#lingering = null;
    const child = start(options);
    try {
      return await outputOf(child, options);
    } finally {
      if (child.pid !== undefined && !hasGone(child)) this.#lingering = child;
    }
  }
}

function start({ command, args, spawn }: RunOptions): ChildProcess {
  try {
    // A group of its own, so that a wrapper script and what it started end together.
    const detached = process.platform !== 'win32';
    return spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached, windowsHide: true });
  } catch (error) {
    throw notStarted(command, error);
  }
}

async function outputOf(child: ChildProcess, options: RunOptions): Promise<CommandOutput> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('close', (code: number | null) => resolve(code));
    child.once('error', (error) => reject(notStarted(options.command, error)));
  });
  const { stopped, release } = reasonToStop(child, options);
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => {
    if (byteCount(stderr) < STDERR_BYTES_MAX) stderr.push(chunk);
  });
  try {
    const exitCode = await Promise.race([closed, stopped]);
    return { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8'), exitCode };
  } catch (error) {
    await end(child, closed);
    throw error;
  } finally {
    release();
  }
}

/** Rejects when the process has to go: it is late, prints too much, or nobody wants the answer any more. */
function reasonToStop(child: ChildProcess, options: RunOptions): { stopped: Promise<never>; release: () => void } {
  const { command, timeoutMs, outputBytesMax, signal } = options;
  let release = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    const onTime = (): void =>
      reject(new NvidiaSmiCommandError('TIMEOUT', `${command} did not end within ${timeoutMs} ms`));
    const timer = setTimeout(onTime, timeoutMs);
    const onAbort = (): void => reject(aborted(options));
    signal?.addEventListener('abort', onAbort, { once: true });
    let bytes = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > outputBytesMax)
        reject(new NvidiaSmiCommandError('OUTPUT_TOO_LARGE', `${command} printed more than ${outputBytesMax} bytes`));
    });
    release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  return { stopped, release };
}

async function end(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  kill(child);
  child.stdout?.destroy();
  child.stderr?.destroy();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, KILL_GRACE_MS)));
  await Promise.race([closed.catch(() => undefined), late]);
  clearTimeout(timer);
  child.unref();
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || hasGone(child)) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // No such group: it went in this moment, or an injected spawn made none.
    child.kill('SIGKILL');
  }
}

function hasGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function byteCount(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function aborted({ command, signal }: RunOptions): NvidiaSmiCommandError {
  return new NvidiaSmiCommandError('ABORTED', `${command} was aborted`, { cause: signal?.reason });
}

function notStarted(command: string, error: unknown): NvidiaSmiCommandError {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing
    ? new NvidiaSmiCommandError('NOT_FOUND', `there is no ${command} on this machine`, { cause: error })
    : new NvidiaSmiCommandError('NOT_STARTED', `${command} could not be started: ${String(error)}`, { cause: error });
}
