import { parseNvidiaSmi } from '@millrace/nvidia-smi-parser';
import { describe, expect, it } from 'vitest';
import { telemetryMessage } from './device-sample';
import { findNvidiaGpu, nvidiaSample } from './nvidia-reading';

const gpuXml = (uuid: string, name: string, bus: string, extra = ''): string => `<gpu id="${bus}">
  <product_name>${name}</product_name><uuid>${uuid}</uuid><pci><pci_bus_id>${bus}</pci_bus_id></pci>
  <fb_memory_usage><total>1000 MiB</total><used>250 MiB</used></fb_memory_usage>
  <utilization><gpu_util>75 %</gpu_util></utilization><temperature><gpu_temp>61 C</gpu_temp></temperature>
  <gpu_power_readings><instant_power_draw>[Unknown Error]</instant_power_draw></gpu_power_readings>${extra}</gpu>`;
const report = (...gpus: string[]) =>
  parseNvidiaSmi(`<?xml version="1.0" ?><nvidia_smi_log><driver_version>550</driver_version>
    <attached_gpus>${gpus.length}</attached_gpus>${gpus.join('')}</nvidia_smi_log>`);

const ONE = gpuXml('GPU-1', 'NVIDIA GeForce RTX 3080', '00000000:01:00.0');
const TI = gpuXml('GPU-2', 'NVIDIA GeForce RTX 3080 Ti', '00000000:02:00.0');
const OTHER = gpuXml('GPU-3', 'NVIDIA GeForce RTX 3080', '00000000:03:00.0');
const adapter = (device: string, gpuId?: string) => ({ vendor: 'nvidia', device, description: '', gpuId });

describe('the GPU of an NVIDIA adapter', () => {
  it.each([
    ['the only one, whatever it is called', [ONE], adapter('0x2206'), 'GPU-1'],
    ['the one of the same name', [ONE, TI], adapter('NVIDIA GeForce RTX 3080'), 'GPU-1'],
    ['the longest name that fits', [ONE, TI], adapter('NVIDIA GeForce RTX 3080 Ti'), 'GPU-2'],
    ['none of two with one name', [ONE, OTHER], adapter('NVIDIA GeForce RTX 3080'), undefined],
    ['the one that the settings name by UUID', [ONE, OTHER], adapter('NVIDIA GeForce RTX 3080', 'gpu-3'), 'GPU-3'],
    ['… or by PCI address', [ONE, OTHER], adapter('NVIDIA GeForce RTX 3080', '0000:03:00.0'), 'GPU-3'],
    ['none when the settings name another', [ONE], adapter('NVIDIA GeForce RTX 3080', 'GPU-9'), undefined],
  ])('is %s', (_, gpus, identity, uuid) => {
    expect(findNvidiaGpu(report(...gpus), identity)?.uuid).toBe(uuid);
  });

  it('has null, never 0, for what nvidia-smi does not tell', () => {
    const sample = nvidiaSample(findNvidiaGpu(report(ONE), adapter(''))!);
    expect(sample).toMatchObject({
      source: 'nvidia-smi',
      utilizationPercent: 75,
      memoryUsedBytes: 250 * 1024 ** 2,
      memoryTotalBytes: 1000 * 1024 ** 2,
      temperatureC: 61,
      powerW: null,
      smClockMhz: null,
    });
    const host = { loadAverage: null, hostMemoryUsedBytes: 1, hostMemoryTotalBytes: 2 };
    const message = telemetryMessage(sample, host, 5);
    expect(message).toMatchObject({ timeMs: 5, utilizationPercent: 75, hostMemoryUsedBytes: 1 });
    expect(message.powerW).toBeUndefined();
    expect(message.loadAverage).toBeUndefined();
  });

  it('does not pass the load of a whole GPU for that of its MIG device', () => {
    const mig = '<mig_mode><current_mig>Enabled</current_mig></mig_mode>';
    const sample = nvidiaSample(findNvidiaGpu(report(gpuXml('GPU-1', 'A', '00000000:01:00.0', mig)), adapter(''))!);
    expect(sample).toMatchObject({ utilizationPercent: null, memoryUsedBytes: null, temperatureC: 61 });
  });
});
