import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpawnCommand } from '@millrace/nvidia-smi-parser';

export interface FakeNvidiaGpu {
  readonly uuid: string;
  /** As nvidia-smi writes it: 00000000:3B:00.0. */
  readonly pci: string;
  readonly name?: string;
  /** MiB that each process holds. */
  readonly processes?: Readonly<Record<number, number>>;
}

/** A machine with GPUs that are files: what nvidia-smi, /sys/class/drm and /proc/self/fdinfo would say of them. */
export class FakeGpus {
  private readonly folder = mkdtempSync(join(tmpdir(), 'millrace-gpus-'));
  readonly drmFolder = join(this.folder, 'drm');
  readonly fdinfoFolder = join(this.folder, 'fdinfo');
  private cardCount = 0;
  private fileCount = 0;

  constructor() {
    for (const path of [this.drmFolder, this.fdinfoFolder]) mkdirSync(path);
  }

  /** Runs the command made by `nvidia`; without it there is no nvidia-smi. */
  readonly spawn: SpawnCommand = (_, args, options) => spawn(join(this.folder, 'nvidia-smi'), args, options);

  nvidia(...gpus: readonly FakeNvidiaGpu[]): void {
    const command = join(this.folder, 'nvidia-smi');
    const xml = `<nvidia_smi_log><attached_gpus>${gpus.length}</attached_gpus>${gpus.map(gpuXml).join('')}</nvidia_smi_log>`;
    writeFileSync(command, `#!/bin/sh\ncat <<'END'\n${xml}\nEND\n`);
    chmodSync(command, 0o755);
  }

  card(vendor: string, pci: string, { renders = true } = {}): void {
    const device = join(this.folder, 'pci', pci);
    const number = this.cardCount++;
    mkdirSync(join(device, 'drm', renders ? `renderD${128 + number}` : `card${number}`), { recursive: true });
    writeFileSync(join(device, 'vendor'), `${vendor}\n`);
    writeFileSync(join(device, 'device'), '0x744c\n');
    mkdirSync(join(this.drmFolder, `card${number}`));
    symlinkSync(device, join(this.drmFolder, `card${number}`, 'device'));
  }

  /** A file that the process has open on a GPU. */
  open(pci: string, client: number, kibibytes: number): void {
    const lines = [
      'pos:\t0',
      'drm-driver:\tamdgpu',
      `drm-client-id:\t${client}`,
      `drm-pdev:\t${pci}`,
      `drm-memory-vram:\t${kibibytes} KiB`,
      'drm-engine-gfx:\t17 ns',
    ];
    writeFileSync(join(this.fdinfoFolder, String(this.fileCount++)), `${lines.join('\n')}\n`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

function gpuXml({ uuid, pci, name = 'NVIDIA RTX A6000', processes = {} }: FakeNvidiaGpu): string {
  const list = Object.entries(processes).map(
    ([pid, mebibytes]) =>
      `<process_info><pid>${pid}</pid><type>C+G</type><process_name>node</process_name>` +
      `<used_memory>${mebibytes} MiB</used_memory></process_info>`,
  );
  return (
    `<gpu id="${pci}"><product_name>${name}</product_name><uuid>${uuid}</uuid>` +
    `<pci><pci_bus_id>${pci}</pci_bus_id></pci><processes>${list.join('')}</processes></gpu>`
  );
}
