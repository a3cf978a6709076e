import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type DeviceMemoryOptions, deviceMemoryBytes } from './device-memory';

const gpuXml = (uuid: string, mebibytes: number): string => `<gpu id="0"><product_name>NVIDIA A</product_name>
  <uuid>${uuid}</uuid><fb_memory_usage><total>${mebibytes} MiB</total></fb_memory_usage></gpu>`;
const HOST_BYTES = 64 * 2 ** 30;

describe('the memory of a device', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-memory-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const none = join(folder, 'none');
  const bytesOf = (
    adapter: DeviceMemoryOptions['adapter'],
    { command = none, drmFolder = none }: { command?: string; drmFolder?: string } = {},
  ): Promise<number | undefined> =>
    deviceMemoryBytes({
      adapter,
      drmFolder,
      hostBytes: HOST_BYTES,
      spawn: (_, args, options) => spawn(command, args, options),
    });

  it('is what nvidia-smi says of the GPU that the settings name', async () => {
    const command = join(folder, 'nvidia-smi');
    const xml = `<nvidia_smi_log>${gpuXml('GPU-1', 1000)}${gpuXml('GPU-2', 2000)}</nvidia_smi_log>`;
    writeFileSync(command, `#!/bin/sh\ncat <<'END'\n${xml}\nEND\n`);
    chmodSync(command, 0o755);
    const adapter = { vendor: 'nvidia', device: 'NVIDIA A', description: '', adapterClass: 'gpu' } as const;
    expect(await bytesOf({ ...adapter, gpuId: 'GPU-2' }, { command })).toBe(2000 * 2 ** 20);
    // Two of one name, and nothing that says which.
    expect(await bytesOf(adapter, { command })).toBeUndefined();
    expect(await bytesOf(adapter)).toBeUndefined();
  });

  it('is what the kernel says of an AMD card', async () => {
    const [drmFolder, device] = [join(folder, 'drm'), join(folder, 'pci', '0000:03:00.0')];
    for (const path of [join(drmFolder, 'card0'), device]) mkdirSync(path, { recursive: true });
    symlinkSync(device, join(drmFolder, 'card0', 'device'));
    writeFileSync(join(device, 'vendor'), '0x1002\n');
    writeFileSync(join(device, 'mem_info_vram_total'), '17163091968\n');
    const adapter = { vendor: 'amd', device: 'AMD Radeon', description: '', adapterClass: 'gpu' } as const;
    expect(await bytesOf(adapter, { drmFolder })).toBe(17_163_091_968);
    expect(await bytesOf(adapter)).toBeUndefined();
  });

  it("is the machine's for a software driver and for Apple's GPUs", async () => {
    expect(await bytesOf({ vendor: 'mesa', device: 'llvmpipe', description: '', adapterClass: 'cpu' })).toBe(
      HOST_BYTES,
    );
    expect(await bytesOf({ vendor: 'apple', device: 'M2', description: '', adapterClass: 'gpu' })).toBe(HOST_BYTES);
  });
});
