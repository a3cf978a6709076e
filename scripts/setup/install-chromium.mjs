#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { aptInstall, readRelease } from './install-mesa.mjs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const COMMAND = 'sudo node scripts/setup/install-chromium.mjs';

/** The browser that the dashboard's test drives; undefined where there is none. */
export function chromiumPath() {
  return PATHS.find((path) => existsSync(path));
}

/** Installs Chromium as root on Debian; elsewhere gives the command to type, and the test is skipped. */
export async function ensureChromium() {
  if (chromiumPath() !== undefined) return undefined;
  const release = readRelease();
  if (release.ID !== 'debian' || !existsSync('/usr/bin/apt-get'))
    return "no Chromium was found: install it with the system's packages (chromium) to test the dashboard too";
  if (process.getuid?.() !== 0) return `no Chromium was found: type \`${COMMAND}\` to test the dashboard too`;
  console.log('installing Chromium for the test of the dashboard (apt-get)');
  await aptInstall(release.VERSION_CODENAME, release, ['chromium']);
  return undefined;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  ensureChromium().then(
    (problem) => {
      if (problem === undefined) return;
      console.error(problem);
      exit(1);
    },
    (error) => {
      console.error(error.message);
      exit(1);
    },
  );
}
