import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../process/run-command.mjs';
import { ROOT, hashText, readStamp, writeStamp } from '../process/stamp.mjs';
import { installMesa, installVulkanLoader } from './install-mesa.mjs';

const ICD_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
const PROBE_TIMEOUT_MS = 60_000;

/**
 * The environment in which a process finds the software Vulkan driver; {} where a GPU was found, or where the caller
 * has named a driver. Reads what `ensureVulkanDriver` found, so it costs nothing.
 */
export function softwareDriverEnv() {
  return readStamp('vulkan-driver')?.mode === 'software' ? lavapipeEnv() : {};
}

/** Sees to it that Dawn has an adapter: a GPU's, or else Mesa's software driver, which it installs where it may. */
export async function ensureVulkanDriver() {
  const known = readStamp('vulkan-driver');
  if (known?.key === machineKey()) return;
  const found = (await findAdapter()) ?? (await installAndFind());
  console.log(
    found.software
      ? `no GPU found: programs run on the CPU through Mesa's Vulkan driver (${found.description})`
      : `GPU: ${found.description}`,
  );
  writeStamp('vulkan-driver', { key: machineKey(), mode: found.software ? 'software' : 'gpu' });
}

/** A GPU if there is one, else the software driver, else undefined. */
async function findAdapter() {
  const chosen = await probe({});
  if (chosen && !chosen.software) return chosen;
  // Under its own settings even where it was found without: agents get the same driver whatever else is installed.
  return lavapipeIcd() ? await probe(lavapipeEnv()) : undefined;
}

async function installAndFind() {
  // Beside NVIDIA's driver often only the loader is missing.
  if (hasNvidia() && !hasVulkanLoader()) {
    await installVulkanLoader();
    const adapter = await findAdapter();
    if (adapter) return adapter;
  }
  await installMesa();
  const adapter = await findAdapter();
  if (adapter) return adapter;
  throw new Error('Mesa is installed, yet WebGPU finds no adapter: run `npx millrace doctor` for details');
}

async function probe(env) {
  const script = join(ROOT, 'scripts/setup/probe-adapter.mjs');
  const { code, output } = await runCommand('node', [script], {
    cwd: ROOT,
    env,
    allowFailure: true,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  // Drivers and Dawn print warnings too.
  const line = output.split('\n').findLast((text) => text.startsWith('{'));
  return code === 0 && line ? JSON.parse(line) : undefined;
}

function lavapipeIcd() {
  const files = ICD_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((file) => join(folder, file)),
  );
  return files.find((file) => /\/lvp_icd[^/]*\.json$/.test(file));
}

function lavapipeEnv() {
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return runtimeFolderEnv();
  const icd = lavapipeIcd();
  return icd ? { VK_ICD_FILENAMES: icd, ...runtimeFolderEnv() } : {};
}

/** Mesa's window-system code wants this folder even where nothing is drawn. */
function runtimeFolderEnv() {
  if (process.env.XDG_RUNTIME_DIR) return {};
  const folder = join(tmpdir(), `millrace-runtime-${process.getuid?.() ?? 'user'}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { XDG_RUNTIME_DIR: folder };
}

/** What a change of makes the earlier finding worthless: devices, drivers, the loader, Dawn's version, the settings. */
function machineKey() {
  const drivers = ICD_FOLDERS.map((folder) => (existsSync(folder) ? readdirSync(folder).sort() : []));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/webgpu/package.json'), 'utf8'));
  const settings = [process.env.VK_DRIVER_FILES, process.env.VK_ICD_FILENAMES];
  return hashText(JSON.stringify([drivers, hasNvidia(), existsSync('/dev/dri'), hasVulkanLoader(), version, settings]));
}

function hasNvidia() {
  return existsSync('/dev/nvidiactl') || existsSync('/proc/driver/nvidia/version');
}

function hasVulkanLoader() {
  const folders = [
    '/usr/lib',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/lib64',
    '/usr/local/lib',
  ];
  return process.platform !== 'linux' || folders.some((folder) => existsSync(join(folder, 'libvulkan.so.1')));
}
