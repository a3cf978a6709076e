import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NvidiaSmiReport, SpawnCommand } from '..';
import { NvidiaSmiCommandError, NvidiaSmiParseError, queryNvidiaSmi, watchNvidiaSmi } from '..';

const FIXTURE = join(__dirname, '../../fixtures/xml/windows.xml');
const PRINT = `process.stdout.write(require('node:fs').readFileSync(${JSON.stringify(FIXTURE)}))`;

/** A stand-in for nvidia-smi: this Node, with a script. */
const nodeRunning = (script: string): { command: string; args: string[] } => ({
  command: process.execPath,
  args: ['-e', script],
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nvidia-smi-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A shell that starts a sleep, writes both process ids to a file, and waits. */
function sleepingFamily(): { query: { command: string; args: string[] }; pids: () => Promise<number[]> } {
  const file = join(folder, 'pids');
  const pids = async (): Promise<number[]> => {
    while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('\n')) await sleep(10);
    return readFileSync(file, 'utf8').trim().split(' ').map(Number);
  };
  return { query: { command: '/bin/sh', args: ['-c', `sleep 600 & echo $$ $! > ${file}; wait`] }, pids };
}

async function expectGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
}

/** A zombie that nobody has waited for yet does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('queryNvidiaSmi', () => {
  it('answers the report', async () => {
    const report = await queryNvidiaSmi(nodeRunning(PRINT));
    expect(report.gpus[0]?.name).toBe('NVIDIA GeForce RTX 3060');
    expect(report.warnings).toEqual([]);
  });

  it('keeps a report whose exit code complains, and says so', async () => {
    const report = await queryNvidiaSmi(nodeRunning(`${PRINT}; process.exitCode = 14`));
    expect(report.gpus).toHaveLength(1);
    expect(report.warnings).toEqual([expect.stringContaining('ended with exit code 14')]);
  });

  it('quotes what a failed command said', async () => {
    const query = queryNvidiaSmi(nodeRunning("console.log('NVIDIA-SMI has failed'); process.exitCode = 9"));
    await expect(query).rejects.toMatchObject({
      code: 'EXITED',
      message: expect.stringContaining('NVIDIA-SMI has failed'),
    });
  });

  it('passes the parser’s error on when the command did well', async () => {
    await expect(queryNvidiaSmi(nodeRunning("console.log('<nvidia_smi_log>')"))).rejects.toThrow(NvidiaSmiParseError);
  });

  it('names a command that is not there', async () => {
    const query = queryNvidiaSmi({ command: join(folder, 'nvidia-smi') });
    await expect(query).rejects.toMatchObject({ code: 'NOT_FOUND', name: 'NvidiaSmiCommandError' });
    await expect(queryNvidiaSmi({ command: folder })).rejects.toMatchObject({ code: 'NOT_STARTED' });
  });

  it('kills a late command and what it started', async () => {
    const { query, pids } = sleepingFamily();
    await expect(queryNvidiaSmi({ ...query, timeoutMs: 1000 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expectGone(await pids());
  });

  it('kills a command that prints without end', async () => {
    const endless = nodeRunning("setInterval(() => process.stdout.write('x'.repeat(65536)), 1)");
    const query = queryNvidiaSmi({ ...endless, outputBytesMax: 1_000_000 });
    await expect(query).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
  });

  it('ends with its signal, before and while it runs', async () => {
    const { query, pids } = sleepingFamily();
    const controller = new AbortController();
    const running = queryNvidiaSmi({ ...query, signal: controller.signal });
    void pids().then(() => controller.abort());
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    await expectGone(await pids());
    await expect(queryNvidiaSmi({ ...query, signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('watchNvidiaSmi', () => {
  it('reports until its signal ends it', async () => {
    const reports: NvidiaSmiReport[] = [];
    const controller = new AbortController();
    await watchNvidiaSmi({
      ...nodeRunning(PRINT),
      intervalMs: 1,
      signal: controller.signal,
      onReport: (report) => {
        reports.push(report);
        if (reports.length === 3) controller.abort();
      },
      onError: (error) => expect.unreachable(error.message),
    });
    expect(reports).toHaveLength(3);
  });

  it('goes on after failures, and finds a command that comes later', async () => {
    const codes: string[] = [];
    const controller = new AbortController();
    const appearing: SpawnCommand = (command, args, options) =>
      spawn(codes.length < 3 ? join(folder, 'absent') : command, [...args], options);
    await watchNvidiaSmi({
      ...nodeRunning(PRINT),
      intervalMs: 1,
      backoffMsMax: 5,
      signal: controller.signal,
      spawn: appearing,
      onReport: () => controller.abort(),
      onError: (error) => codes.push(error.code),
    });
    expect(codes).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
  });

  it('leaves no process when it is ended in the middle of a run', async () => {
    const { query, pids } = sleepingFamily();
    const controller = new AbortController();
    const watching = watchNvidiaSmi({
      ...query,
      signal: controller.signal,
      onReport: () => expect.unreachable(),
      onError: (error) => expect.unreachable(error.message),
    });
    const started = await pids();
    controller.abort();
    await watching;
    await expectGone(started);
  });

  it('starts no second process beside one that cannot be killed', async () => {
    let spawnCount = 0;
    const hung: SpawnCommand = () => {
      spawnCount++;
      // A process id beyond any that Linux gives out: the kill finds nobody.
      const child = { pid: 2 ** 30, exitCode: null, signalCode: null, kill: () => false, unref: () => undefined };
      return Object.assign(new EventEmitter(), child) as unknown as ChildProcess;
    };
    const codes: string[] = [];
    const controller = new AbortController();
    await watchNvidiaSmi({
      intervalMs: 1,
      backoffMsMax: 1,
      timeoutMs: 10,
      signal: controller.signal,
      spawn: hung,
      onReport: () => expect.unreachable(),
      onError: (error) => {
        expect(error).toBeInstanceOf(NvidiaSmiCommandError);
        if (codes.push(error.code) === 3) controller.abort();
      },
    });
    expect(codes).toEqual(['TIMEOUT', 'STILL_RUNNING', 'STILL_RUNNING']);
    expect(spawnCount).toBe(1);
  });
});
