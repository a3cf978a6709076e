import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NvidiaSmiReport, queryNvidiaSmi, type SpawnCommand } from '@millrace/nvidia-smi-parser';
import { pciAddressOf } from './host-gpus';

/** Which GPU this process computes on, and what tells so. */
export interface DeviceProof {
  readonly uuid: string;
  readonly pciAddress: string;
  readonly proof: 'nvidia-smi' | 'fdinfo' | 'only' | 'setting';
}

export interface ProofSources {
  /** This process's id as nvidia-smi lists it. */
  readonly pid: number;
  /** Tests replace the machine's own command. */
  readonly spawn?: SpawnCommand;
  readonly fdinfoFolder?: string;
}

/**
 * Must be called while the device is open and holds memory: a driver opens all its GPUs to list them, but only the one
 * that computes has memory in use. Undefined where nothing tells, as in a container that hides the list of processes.
 */
export async function proveDevice(
  isNvidia: boolean,
  { pid, spawn, fdinfoFolder = '/proc/self/fdinfo' }: ProofSources,
): Promise<DeviceProof | undefined> {
  if (!isNvidia) return ofFiles(fdinfoFolder);
  const report = await queryNvidiaSmi(spawn === undefined ? {} : { spawn }).catch(() => undefined);
  return (report && ofReport(report, pid)) ?? (await ofFiles(fdinfoFolder));
}

function ofReport({ gpus }: NvidiaSmiReport, pid: number): DeviceProof | undefined {
  const users = gpus.map((gpu) => {
    const own = (gpu.processes ?? []).filter((each) => each.pid === pid);
    return { gpu, own, mebibytes: own.reduce((sum, { usedMemoryMiB }) => sum + (usedMemoryMiB ?? 0), 0) };
  });
  const found = most(
    users.filter(({ own }) => own.length > 0),
    ({ mebibytes }) => mebibytes,
  );
  const gpu = found?.gpu ?? (gpus.length === 1 ? gpus[0] : undefined);
  if (gpu === undefined) return undefined;
  const proof = found === undefined ? 'only' : 'nvidia-smi';
  return { uuid: gpu.uuid ?? '', pciAddress: pciAddressOf(gpu) ?? '', proof };
}

async function ofFiles(folder: string): Promise<DeviceProof | undefined> {
  const names = await readdir(folder).catch(() => []);
  const kibibytes = new Map<string, Map<string, number>>();
  for (const name of names) {
    const { pciAddress, client, memory } = parseFdinfo(await readFile(join(folder, name), 'utf8').catch(() => ''));
    if (pciAddress === undefined) continue;
    // Several open files of one DRM client tell of the same memory.
    kibibytes.set(pciAddress, (kibibytes.get(pciAddress) ?? new Map<string, number>()).set(client, memory));
  }
  const sums = [...kibibytes].map(([pciAddress, clients]) => ({
    pciAddress,
    sum: [...clients.values()].reduce((total, each) => total + each, 0),
  }));
  const found = most(sums, ({ sum }) => sum);
  return found && { uuid: '', pciAddress: found.pciAddress, proof: 'fdinfo' };
}

interface Fdinfo {
  readonly pciAddress: string | undefined;
  readonly client: string;
  /** KiB over all regions and kinds of memory that the driver tells. */
  readonly memory: number;
}

const MEMORY_UNITS: Readonly<Record<string, number>> = { '': 1 / 1024, KiB: 1, MiB: 1024, GiB: 1024 ** 2 };

/** Linux's drm-usage-stats: `drm-pdev: 0000:03:00.0`, `drm-client-id: 7`, `drm-memory-vram: 1024 KiB`. */
function parseFdinfo(text: string): Fdinfo {
  const lines = [...text.matchAll(/^drm-([^:\n]+):[ \t]*(.*)$/gm)].map(
    ([, key = '', value = '']) => [key, value] as const,
  );
  const of = (name: string): string | undefined => lines.find(([key]) => key === name)?.[1]?.trim();
  const memory = lines
    .filter(([key]) => /^(memory|total)-/.test(key))
    .reduce((sum, [, value]) => {
      const [amount = '', unit = ''] = value.trim().split(/\s+/);
      return sum + Number(amount) * (MEMORY_UNITS[unit] ?? 0);
    }, 0);
  return {
    pciAddress: of('pdev')?.toLowerCase(),
    client: of('client-id') ?? '',
    memory: Number.isFinite(memory) ? memory : 0,
  };
}

/** The only item, or the one with the largest amount; undefined when two share that amount. */
function most<T>(items: readonly T[], amount: (item: T) => number): T | undefined {
  const [first, second] = [...items].sort((a, b) => amount(b) - amount(a));
  return first !== undefined && second !== undefined && amount(first) === amount(second) ? undefined : first;
}
