#!/usr/bin/env node
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { argv, env, execPath, exit } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runCommand } from '../process/run-command.mjs';
import { parseAptSources, temporarySources } from './apt-sources.mjs';

/** Debian 12's own Mesa, 22.3, is refused by Dawn; the one in its backports, 25.0, is not. */
const MESA = ['mesa-vulkan-drivers', 'libvulkan1'];

/**
 * What to type to become root for the one step that needs it. Root's PATH may lack this Node, and `su` may start in
 * another folder, so both paths are absolute.
 */
export function rootCommand(hasSudo, node = execPath, script = fileURLToPath(import.meta.url)) {
  const quoted = [node, script].map((path) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `"${path}"`)).join(' ');
  return hasSudo ? `sudo ${quoted}` : `su -c '${quoted}'`;
}

function sudoIsThere() {
  return (env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, 'sudo')));
}

/** Installs Mesa's Vulkan drivers as root on Debian; elsewhere throws an Error with the command to type. */
export async function installMesa() {
  const release = requireAptAsRoot('no GPU and no software Vulkan driver was found', 'mesa-vulkan-drivers');
  console.log("installing Mesa's software Vulkan driver (apt-get)");
  await aptInstall(
    release.VERSION_CODENAME === 'bookworm' ? 'bookworm-backports' : release.VERSION_CODENAME,
    release,
    MESA,
  );
}

/** The loader alone, for a machine whose GPU driver came without it. */
export async function installVulkanLoader() {
  const release = requireAptAsRoot('the Vulkan loader (libvulkan.so.1) is missing', 'libvulkan1');
  console.log('installing the Vulkan loader (apt-get)');
  await aptInstall(release.VERSION_CODENAME, release, ['libvulkan1']);
}

function requireAptAsRoot(problem, packageName) {
  const release = readRelease();
  if (release.ID !== 'debian' || !existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `${problem}: install Mesa 24 or newer with its Vulkan drivers (package ${packageName} on Debian and Ubuntu, ` +
        'mesa-vulkan-drivers on Fedora, vulkan-swrast on Arch), then run the command again',
    );
  }
  if (process.getuid?.() !== 0)
    throw new Error(`${problem}: type \`${rootCommand(sudoIsThere())}\`, then run the command again`);
  return release;
}

export function readRelease() {
  if (!existsSync('/etc/os-release')) return {};
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
  return Object.fromEntries(
    lines
      .filter((line) => line.includes('='))
      .map((line) => {
        const [name, ...value] = line.split('=');
        return [name, value.join('=').replace(/^"|"$/g, '')];
      }),
  );
}

/** Installs packages of `suite` as root. */
export async function aptInstall(suite, release, packages) {
  await withSources(suite, release, async (aptGet) => {
    await aptGet(['install', '-y', '--no-install-recommends', '-t', suite, ...packages]);
  });
}

/**
 * Calls `work` with a way to run apt-get on a temporary copy of the machine's Debian sources with `suite` added, and
 * with a folder that is gone afterwards. Sources and package lists of the machine stay as they are: an update that saw
 * only our sources would otherwise drop the lists of all others.
 */
export async function withSources(suite, release, work) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-apt-'));
  try {
    const sources = temporarySources(readSources(), release.VERSION_CODENAME, suite);
    if (sources === undefined)
      throw new Error(
        `apt has no source for Debian ${release.VERSION_CODENAME} on this machine: add one, then run the command again`,
      );
    for (const name of ['sources', 'lists/partial']) mkdirSync(join(folder, name), { recursive: true });
    // apt reads these as its unprivileged user.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'sources/millrace.sources'), sources);
    const settings = { cwd: folder, env: { DEBIAN_FRONTEND: 'noninteractive' } };
    const aptGet = (rest) => runCommand('apt-get', [...aptOptions(folder), ...rest], settings);
    await aptGet(['update']);
    await work(aptGet, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function aptOptions(folder) {
  const values = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${folder}/sources`,
    `Dir::State::lists=${folder}/lists`,
    // Its caches of the lists would otherwise be written over the machine's.
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'DPkg::Lock::Timeout=120',
    'APT::Update::Error-Mode=any',
  ];
  return values.flatMap((value) => ['-o', value]);
}

function readSources() {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((file) => join(folder, file))
    : [];
  const files = ['/etc/apt/sources.list', ...parts].filter(
    (file) => /\.(list|sources)$/.test(file) && existsSync(file),
  );
  return files.flatMap((file) =>
    parseAptSources(readFileSync(file, 'utf8'), file.endsWith('.sources') ? 'deb822' : 'one-line'),
  );
}

// Run as root by hand: the one step of set-up that needs root.
if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  installMesa().catch((error) => {
    console.error(error.message);
    exit(1);
  });
}
