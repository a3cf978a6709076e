import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type NvidiaGpu, queryNvidiaSmi, type SpawnCommand } from '@millrace/nvidia-smi-parser';

/** A GPU of this machine. */
export interface HostGpu {
  readonly vendor: 'nvidia' | 'amd' | 'intel';
  readonly name: string;
  /** The UUID that nvidia-smi tells, with its prefix `GPU-`. */
  readonly uuid: string | undefined;
  /** The PCI address in lower case, such as `0000:3b:00.0`. */
  readonly pciAddress: string;
}

/** Where the machine's GPUs are read from; tests give other places. */
export interface HostGpuSources {
  readonly spawn?: SpawnCommand;
  readonly drmFolder?: string;
}

/**
 * The order of vendors. NVIDIA comes first, so that nvidia-smi's numbers hold here too; a processor's own GPU comes
 * last.
 */
const VENDORS = [
  ['0x10de', 'nvidia'],
  ['0x1002', 'amd'],
  ['0x8086', 'intel'],
] as const;
const VENDOR_NAMES = VENDORS.map(([, name]) => name);
const RENDER_NODE = /^renderD\d+$/;
const PCI_ADDRESS = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;

/** The GPUs that a Vulkan driver may offer, in the order of their numbers for `--device`. */
export async function hostGpus({ spawn, drmFolder = '/sys/class/drm' }: HostGpuSources = {}): Promise<HostGpu[]> {
  const [nvidia, drm] = await Promise.all([nvidiaGpus(spawn), drmGpus(drmFolder)]);
  const known = new Set(nvidia.map(({ pciAddress }) => pciAddress));
  return [...nvidia, ...drm.filter(({ pciAddress }) => !known.has(pciAddress))].sort(
    (a, b) => VENDOR_NAMES.indexOf(a.vendor) - VENDOR_NAMES.indexOf(b.vendor) || (a.pciAddress < b.pciAddress ? -1 : 1),
  );
}

async function nvidiaGpus(spawn: SpawnCommand | undefined): Promise<HostGpu[]> {
  const report = await queryNvidiaSmi(spawn === undefined ? {} : { spawn }).catch(() => undefined);
  return (report?.gpus ?? []).flatMap((gpu) => {
    const pciAddress = pciAddressOf(gpu);
    if (pciAddress === undefined) return [];
    return [{ vendor: 'nvidia', name: gpu.name ?? 'NVIDIA GPU', uuid: gpu.uuid ?? undefined, pciAddress }];
  });
}

/** nvidia-smi writes a PCI address with eight digits of domain (00000000:3B:00.0), Linux with four. */
export function pciAddressOf({ pciBusId }: Pick<NvidiaGpu, 'pciBusId'>): string | undefined {
  return pciBusId === null ? undefined : pciBusId.toLowerCase().replace(/^[0-9a-f]{4}(?=[0-9a-f]{4}:)/, '');
}

/** The cards that can render; many servers also have one that only drives a display. */
async function drmGpus(folder: string): Promise<HostGpu[]> {
  const names = await readdir(folder).catch(() => []);
  const cards = names.filter((name) => /^card\d+$/.test(name)).map((name) => drmGpu(join(folder, name, 'device')));
  return (await Promise.all(cards)).filter((gpu) => gpu !== undefined);
}

async function drmGpu(device: string): Promise<HostGpu | undefined> {
  const text = async (name: string): Promise<string> =>
    (await readFile(join(device, name), 'utf8').catch(() => '')).trim();
  const id = await text('vendor');
  const vendor = VENDORS.find(([vendorId]) => vendorId === id)?.[1];
  const pciAddress = basename(await readlink(device).catch(() => '')).toLowerCase();
  const nodes = await readdir(join(device, 'drm')).catch(() => []);
  if (vendor === undefined || !PCI_ADDRESS.test(pciAddress) || !nodes.some((node) => RENDER_NODE.test(node)))
    return undefined;
  const name = (await text('product_name')) || `${vendor} GPU ${await text('device')}`;
  return { vendor, name, uuid: undefined, pciAddress };
}

export function gpuText({ name, uuid, pciAddress }: HostGpu, index: number): string {
  return `${index}: ${name} at ${pciAddress}${uuid === undefined ? '' : `, ${uuid}`}`;
}
