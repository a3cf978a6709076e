import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDrm } from './drm-reading';

const AMD = { vendor: 'amd', device: 'AMD Radeon RX 7900 XTX', description: '' };

describe('/sys/class/drm', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-drm-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function card(name: string, address: string, files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, 'pci', address, path);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, text);
    }
    await mkdir(join(folder, name));
    await symlink(join(folder, 'pci', address), join(folder, name, 'device'));
  }

  it('is read with its units; what a file does not say is null', async () => {
    await card('card0', '0000:00:02.0', { vendor: '0x8086\n' });
    await card('card1', '0000:03:00.0', {
      vendor: '0x1002\n',
      gpu_busy_percent: '42\n',
      mem_info_vram_used: '1048576\n',
      mem_info_vram_total: '\n',
      'hwmon/hwmon3/temp1_input': '55000\n',
      'hwmon/hwmon3/power1_average': '123000000\n',
      pp_dpm_sclk: '0: 500Mhz\n1: 2400Mhz *\n',
    });
    expect(await readDrm(AMD, folder)).toEqual({
      source: 'drm',
      modelName: 'AMD Radeon RX 7900 XTX',
      uuid: null,
      utilizationPercent: 42,
      memoryUsedBytes: 1048576,
      memoryTotalBytes: null,
      temperatureC: 55,
      powerW: 123,
      powerLimitW: null,
      smClockMhz: 2400,
      memoryClockMhz: null,
    });
  });

  it('tells nothing of two cards of one vendor unless the settings name one', async () => {
    await card('card0', '0000:03:00.0', { vendor: '0x1002', gpu_busy_percent: '1' });
    await card('card1', '0000:04:00.0', { vendor: '0x1002', gpu_busy_percent: '2' });
    expect(await readDrm(AMD, folder)).toBeUndefined();
    expect(await readDrm({ ...AMD, gpuId: '04:00.0' }, folder)).toMatchObject({ utilizationPercent: 2 });
  });

  it('is not there on other systems', async () => {
    expect(await readDrm(AMD, join(folder, 'none'))).toBeUndefined();
  });
});
