import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Clock } from '@millrace/core';
import { DRIVER_WARNING, RepeatedLines } from '../driver-warnings';
import { LOG_BYTES_MAX } from './keep-logs-short';
import { lastLogLines } from './last-log-lines';
import { partFailed } from './up.errors';

export interface ProcessPlan {
  /** The name of the pid file and of the log: `api`, `agent-1`, `postgres`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Whether the process tells by its first line on stdout that it is ready. */
  readonly announces: boolean;
  /** Whether it logs to the descriptor LOG_FD; other lines, such as a driver's warnings, are then logged only once. */
  readonly hasDriver?: boolean;
  readonly stopSignal: NodeJS.Signals;
}

/** The libraries of a driver write to stderr, past the process's own log. */
export const LOG_FD = 3;
const READY_TIMEOUT_MS = 240_000;
const RESTART_DELAY_MS_MIN = 500;
const RESTART_DELAY_MS_MAX = 10_000;
/** After a process has lived this long, its restart delays begin again. */
const SETTLED_MS = 30_000;

/** One supervised process: its pid file, its log, and its restart when it dies by itself. */
export class ManagedProcess {
  private child: ChildProcess | undefined;
  private stopping = false;
  private startedAtMs = 0;
  /** The byte at which the log of this start begins in its file. */
  private logStart = 0;
  private restartDelayMs = RESTART_DELAY_MS_MIN;
  private cancelRestart: (() => void) | undefined;

  constructor(
    private readonly plan: ProcessPlan,
    private readonly home: string,
    private readonly clock: Clock,
    /** `lastLines` are the last lines in the log of the process that ended. */
    private readonly onRestart: (name: string, how: string, lastLines: readonly string[]) => void,
  ) {}

  get logPath(): string {
    return join(this.home, 'logs', `${this.plan.name}.log`);
  }

  /** Starts the process; resolves with the line by which it announces itself, or with '' if it announces nothing. */
  async start(): Promise<string> {
    const { plan } = this;
    const log = this.openLog();
    const child = spawn(plan.command, plan.args, {
      env: plan.environment,
      // The pipe on stdin ends with this process, even after SIGKILL: supervised processes leave when it does.
      stdio: ['pipe', plan.announces ? 'pipe' : log, ...(plan.hasDriver === true ? ['pipe' as const, log] : [log])],
      ...(plan.user === undefined ? {} : { uid: plan.user.uid, gid: plan.user.gid }),
    });
    closeSync(log);
    this.child = child;
    this.startedAtMs = this.clock.monotonicMs();
    child.stdin?.on('error', () => undefined);
    if (child.stderr !== null) copyOnce(child.stderr, this.logPath);
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      // If this process copies the last words, they are in the log only when the streams have ended.
      child.once(plan.hasDriver === true ? 'close' : 'exit', (code: number | null, signal: NodeJS.Signals | null) =>
        resolve(`exited with ${signal ?? `code ${code ?? '?'}`}`),
      );
    });
    if (child.pid !== undefined) this.writePid(child.pid);
    void exited.then((how) => this.exited(child, how));
    return plan.announces ? this.announcement(child, exited) : '';
  }

  /** From now on the process is not started again when it ends. */
  retire(): void {
    this.stopping = true;
    this.cancelRestart?.();
  }

  /** Asks the process to end, and kills it after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    this.retire();
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill(this.plan.stopSignal);
      const cancel = this.clock.after(patienceMs, () => child.kill('SIGKILL'));
      await gone;
      cancel();
    }
    rmSync(this.pidPath, { force: true });
  }

  private get pidPath(): string {
    return join(this.home, 'pids', this.plan.name);
  }

  private writePid(pid: number): void {
    mkdirSync(dirname(this.pidPath), { recursive: true });
    writeFileSync(`${this.pidPath}.new`, `${pid}\n`);
    renameSync(`${this.pidPath}.new`, this.pidPath);
  }

  private openLog(): number {
    mkdirSync(dirname(this.logPath), { recursive: true });
    const size = statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0;
    if (size > LOG_BYTES_MAX) renameSync(this.logPath, `${this.logPath}.1`);
    this.logStart = statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0;
    return openSync(this.logPath, 'a', 0o600);
  }

  private lastLines(): string[] {
    return lastLogLines(this.logPath, this.logStart);
  }

  private async announcement(child: ChildProcess, exited: Promise<string>): Promise<string> {
    const { stdout } = child;
    if (stdout === null) return '';
    const lines = createInterface({ input: stdout });
    // Drivers may print warnings first: the announcement is the first line that is a document.
    const first = new Promise<string>((resolve) => lines.on('line', (line) => line.startsWith('{') && resolve(line)));
    const failed = exited.then((how) => {
      throw partFailed(this.plan.name, how, { path: this.logPath, lastLines: this.lastLines() });
    });
    let cancelLate = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      const error = partFailed(this.plan.name, `was not ready within ${READY_TIMEOUT_MS / 1000} s`, this.logPath);
      cancelLate = this.clock.after(READY_TIMEOUT_MS, () => reject(error));
    });
    failed.catch(() => undefined);
    try {
      return await Promise.race([first, failed, late]);
    } finally {
      // A timer that is left running would keep the program alive.
      cancelLate();
    }
  }

  private exited(child: ChildProcess, how: string): void {
    if (this.stopping || child !== this.child) return;
    const livedMs = this.clock.monotonicMs() - this.startedAtMs;
    if (livedMs > SETTLED_MS) this.restartDelayMs = RESTART_DELAY_MS_MIN;
    this.onRestart(this.plan.name, how, this.lastLines());
    this.cancelRestart = this.clock.after(this.restartDelayMs, () => {
      if (!this.stopping) this.start().catch(() => undefined);
    });
    this.restartDelayMs = Math.min(this.restartDelayMs * 2, RESTART_DELAY_MS_MAX);
  }
}

/** Copies what a process writes on stderr into its log, but drops a driver's warning that was said before. */
function copyOnce(stderr: Readable, logPath: string): void {
  const warnings = new RepeatedLines();
  createInterface({ input: stderr }).on('line', (line) => {
    const told = DRIVER_WARNING.test(line) ? warnings.take(line) : line;
    if (told === undefined) return;
    try {
      appendFileSync(logPath, `${told}\n`);
    } catch {
      // A full disk must not end the cluster.
    }
  });
}
