import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ICD_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];

/** Device nodes that a hardware Vulkan driver needs. */
const HARDWARE_NODES = ['/dev/dri', '/dev/nvidiactl', '/dev/kfd', '/dev/dxg'];

/**
 * Variables that make Mesa's software driver the Vulkan driver; {} if the user named a driver or the system has no such
 * driver. They must be set before the first GPU thread starts, because whatever loads the driver afterwards reads them.
 */
export function softwareDriverEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const runtimeFolder: Record<string, string> = env['XDG_RUNTIME_DIR'] ? {} : { XDG_RUNTIME_DIR: makeRuntimeFolder() };
  if (env['VK_ICD_FILENAMES'] || env['VK_DRIVER_FILES']) return runtimeFolder;
  const icd = ICD_FOLDERS.filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .toSorted()
        .map((file) => join(folder, file)),
    )
    .find((path) => /\/lvp_icd[^/]*\.json$/.test(path));
  return icd === undefined ? {} : { VK_ICD_FILENAMES: icd, ...runtimeFolder };
}

/** If one of these is set, the user has chosen a driver or a device already. */
const CHOICES = ['DRI_PRIME', 'MESA_VK_DEVICE_SELECT', 'VK_ICD_FILENAMES', 'VK_DRIVER_FILES'];

/**
 * Variables that make one of several GPUs the only one that this process is offered; {} if the user has chosen one
 * already. Mesa's layer for device selection reads them, which the Vulkan loader puts before the drivers of every
 * vendor. Dawn itself takes at best a part of the adapter's name, which identical GPUs share.
 */
export function selectionEnvironment(pciAddress: string, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  if (CHOICES.some((name) => env[name])) return {};
  return {
    DRI_PRIME: `pci-${pciAddress.replaceAll(/[:.]/g, '_')}`,
    MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: '1',
  };
}

/** Whether there may be hardware for a driver: if not, looking for it only costs time. */
export function mayHaveHardware(): boolean {
  return process.platform !== 'linux' || HARDWARE_NODES.some((path) => existsSync(path));
}

/** Sets variables for this process and for the driver in it. */
export function applyEnvironment(variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables);
}

/** Mesa keeps locks and caches in XDG_RUNTIME_DIR and warns if it is not set. */
function makeRuntimeFolder(): string {
  const folder = join(tmpdir(), `millrace-runtime-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/**
 * Mesa's llvmpipe and lavapipe use all cores unless they are told otherwise. For a single thread the number is 0, which
 * lets the submitting thread do the work: handing a dispatch to another thread takes longer than many small kernels do.
 */
export function softwareThreads(count: number | undefined): Record<string, string> {
  return count === undefined ? {} : { LP_NUM_THREADS: String(count === 1 ? 0 : count) };
}
