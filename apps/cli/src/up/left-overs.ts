import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const PATIENCE_MS = 6000;

/** Ends the API and the agents that a killed `millrace up` has left on this home, by their pid files. */
export async function endLeftOvers(home: string, say: (text: string) => void): Promise<void> {
  const folder = join(home, 'pids');
  const left = readdirSync(folder)
    .filter((name) => name === 'api' || name.startsWith('agent-'))
    .map((name) => ({ name, pid: Number(readFileSync(join(folder, name), 'utf8')) }));
  const alive = left.filter(({ pid }) => isOurs(pid));
  for (const { name, pid } of alive) {
    say(`ending ${name} (pid ${pid}) of an earlier start`);
    process.kill(pid, 'SIGTERM');
  }
  for (let waitedMs = 0; alive.some(({ pid }) => isOurs(pid)); waitedMs += 50) {
    if (waitedMs >= PATIENCE_MS) for (const { pid } of alive) if (isOurs(pid)) process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const { name } of left) rmSync(join(folder, name), { force: true });
}

/** Whether `pid` is a Millrace program. Pids are used again, so that the command line is compared too. */
function isOurs(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    return /apps\/(api|agent)\/src\/main\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
