import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../process/run-command.mjs';
import { ROOT } from '../process/stamp.mjs';

/** Runs one of vitest.config.mts's projects, showing its output, and resolves to what count-reporter.mjs counted. */
export async function runVitest(project, env, timeoutMs) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const file = join(folder, 'counts.json');
  const reporters = ['--reporter=default', '--reporter=./scripts/test/count-reporter.mjs'];
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests', ...reporters];
  try {
    const { code, timedOut } = await runCommand('node', args, {
      cwd: ROOT,
      env: { ...env, MILLRACE_TEST_COUNTS: file },
      inherit: true,
      allowFailure: true,
      timeoutMs,
    });
    return complete(readCounts(file), code, timedOut && `${project} took more than ${timeoutMs / 60_000} minutes`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run that ended badly counts as failed even if every test that ran passed. */
function complete(counts, code, timeout) {
  if (timeout) console.log(timeout);
  const unexplained = (code !== 0 || timeout) && (counts?.failed ?? 0) === 0;
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  return { passed, failed: failed + (unexplained ? 1 : 0), skipped };
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
