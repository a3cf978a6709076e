import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type DeviceSample, NOTHING_KNOWN } from './device-sample';
import type { AdapterIdentity } from './nvidia-reading';

const PCI_VENDORS: readonly (readonly [pciId: string, name: RegExp])[] = [
  ['0x1002', /amd|advanced micro|radeon/i],
  ['0x8086', /intel/i],
  ['0x10de', /nvidia/i],
];
const MEGAHERTZ = /(\d+)\s*mhz\s*\*/i;

/**
 * Reads what Linux tells in /sys/class/drm about the adapter's GPU: amdgpu tells most of it, i915 and xe a part.
 * Undefined if there is no such card, or if the vendor has several and no setting says which one it is.
 */
export async function readDrm(adapter: AdapterIdentity, folder = '/sys/class/drm'): Promise<DeviceSample | undefined> {
  const card = await findCard(adapter, folder);
  if (card === undefined) return undefined;
  const number = (name: string, perUnit = 1): Promise<number | null> => readNumber(join(card, name), perUnit);
  const hwmon = await firstHwmon(card);
  const sensor = async (names: readonly string[], perUnit: number): Promise<number | null> => {
    for (const name of hwmon === undefined ? [] : names) {
      const value = await readNumber(join(hwmon ?? '', name), perUnit);
      if (value !== null) return value;
    }
    return null;
  };
  return {
    ...NOTHING_KNOWN,
    source: 'drm',
    modelName: (await readText(join(card, 'product_name'))) ?? (adapter.device || null),
    uuid: await readText(join(card, 'unique_id')),
    utilizationPercent: await number('gpu_busy_percent'),
    memoryUsedBytes: await number('mem_info_vram_used'),
    memoryTotalBytes: await number('mem_info_vram_total'),
    temperatureC: await sensor(['temp1_input'], 1000),
    // The first is the momentary power, which not every chip has; amdgpu's older name is an average over microseconds.
    powerW: await sensor(['power1_input', 'power1_average'], 1e6),
    powerLimitW: await sensor(['power1_cap'], 1e6),
    smClockMhz: await activeClock(join(card, 'pp_dpm_sclk')),
    memoryClockMhz: await activeClock(join(card, 'pp_dpm_mclk')),
  };
}

/** The `device` folder of the card; undefined if it is not clear which card it is. */
async function findCard(adapter: AdapterIdentity, folder: string): Promise<string | undefined> {
  const called = `${adapter.vendor} ${adapter.description} ${adapter.device}`;
  const vendor = PCI_VENDORS.find(([, name]) => name.test(called))?.[0];
  const names = await readdir(folder).catch(() => []);
  const cards: string[] = [];
  for (const name of names.filter((each) => /^card\d+$/.test(each)).sort()) {
    const device = join(folder, name, 'device');
    if ((await readText(join(device, 'vendor'))) !== vendor || vendor === undefined) continue;
    const address = basename(await readlink(device).catch(() => ''));
    if (adapter.gpuId === undefined || address.toLowerCase().endsWith(adapter.gpuId.toLowerCase())) cards.push(device);
  }
  return cards.length === 1 ? cards[0] : undefined;
}

async function firstHwmon(card: string): Promise<string | undefined> {
  const [name] = await readdir(join(card, 'hwmon')).catch(() => []);
  return name === undefined ? undefined : join(card, 'hwmon', name);
}

async function readText(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() || null;
}

/**
 * Reads a number; an empty file, or one that is missing or cannot be read now (as of a sleeping GPU), means unknown.
 */
async function readNumber(path: string, perUnit: number): Promise<number | null> {
  const text = await readText(path);
  return text !== null && /^\d+$/.test(text) ? Number(text) / perUnit : null;
}

/** Reads lines such as `1: 1500Mhz *`, in which the star marks the clock in force. */
async function activeClock(path: string): Promise<number | null> {
  const mhz = MEGAHERTZ.exec((await readText(path)) ?? '')?.[1];
  return mhz === undefined ? null : Number(mhz);
}
