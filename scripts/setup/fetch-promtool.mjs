#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../process/run-command.mjs';
import { ROOT } from '../process/stamp.mjs';
import { readRelease, withSources } from './install-mesa.mjs';

/** Where what was fetched stays; made anew when dependencies are. */
export const PROMTOOL_FOLDER = join(ROOT, 'node_modules', '.cache', 'promtool');

/**
 * `promtool` of Debian's package prometheus, taken out of it: installing the package would start a service.
 * @returns undefined, or why it cannot be had, in which case the tests that use it are skipped
 */
export async function ensurePromtool() {
  if (spawnSync('promtool', ['--version']).error === undefined) return undefined;
  if (existsSync(join(PROMTOOL_FOLDER, 'promtool'))) return undefined;
  const release = readRelease();
  if (release.ID !== 'debian' || !existsSync('/usr/bin/apt-get'))
    return 'no promtool was found: put Prometheus in the path to check metrics and alerts with it too';
  console.log('fetching promtool for the tests of metrics and alerts (apt-get download, nothing is installed)');
  try {
    await withSources(release.VERSION_CODENAME, release, async (aptGet, folder) => {
      await aptGet(['download', 'prometheus']);
      const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
      await runCommand('dpkg-deb', ['-x', archive, 'prometheus'], { cwd: folder });
      keep(join(folder, 'prometheus/usr/bin/promtool'));
    });
    return undefined;
  } catch (error) {
    // The metrics are checked by a parser of the tests as well: no reason to end a run.
    return `no promtool could be fetched, and the tests that use it are skipped: ${error.message.split('\n', 1)[0]}`;
  }
}

/** Whole or not at all. */
function keep(program) {
  mkdirSync(PROMTOOL_FOLDER, { recursive: true });
  const path = join(PROMTOOL_FOLDER, 'promtool');
  copyFileSync(program, `${path}.new`);
  chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const problem = await ensurePromtool();
  if (problem !== undefined) {
    console.error(problem);
    exit(1);
  }
}
