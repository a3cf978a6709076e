import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { agentV1 } from '@millrace/contracts';
import { silentLogger, sleep, systemClock } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { CpuUtilization, readHost } from './host-reading';
import { DeviceTelemetrySource, type DeviceTelemetryOptions } from './telemetry-source';

const XML = `<?xml version="1.0" ?><nvidia_smi_log><attached_gpus>1</attached_gpus><gpu id="00000000:01:00.0">
<product_name>Tesla T4</product_name><uuid>GPU-1</uuid><utilization><gpu_util>7 %</gpu_util></utilization></gpu>
</nvidia_smi_log>`;
const NVIDIA = { vendor: 'nvidia', device: 'Tesla T4', description: '', adapterClass: 'gpu' } as const;

type Samples = agentV1.DeviceTelemetry[];

async function samplesUntil(
  options: Pick<DeviceTelemetryOptions, 'adapter' | 'spawn'>,
  enough: (samples: Samples) => boolean,
): Promise<Samples> {
  const samples: Samples = [];
  const source = new DeviceTelemetrySource({
    clock: systemClock,
    logger: silentLogger,
    intervalMs: 20,
    drmFolder: '/nonexistent',
    ...options,
  });
  source.start((sample) => samples.push(sample));
  const endMs = systemClock.monotonicMs() + 10_000;
  while (!enough(samples) && systemClock.monotonicMs() < endMs) await sleep(systemClock, 5);
  source.stop();
  const countAtStop = samples.length;
  await sleep(systemClock, 60);
  expect(samples).toHaveLength(countAtStop);
  return samples;
}

describe('telemetry of a device', () => {
  it('comes from nvidia-smi when the adapter is NVIDIA, with the load of the host', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-smi-'));
    const command = join(folder, 'nvidia-smi');
    await writeFile(command, `#!/bin/sh\ncat <<'END'\n${XML}\nEND\n`);
    await chmod(command, 0o755);
    const samples = await samplesUntil(
      { adapter: NVIDIA, spawn: (_, args, options) => spawn(command, args, options) },
      (all) => all.at(-1)?.source === 'nvidia-smi',
    );
    expect(samples.at(-1)).toMatchObject({ source: 'nvidia-smi', modelName: 'Tesla T4', utilizationPercent: 7 });
    expect(samples.at(-1)?.memoryUsedBytes).toBeUndefined();
    expect(samples.at(-1)?.hostMemoryTotalBytes).toBeGreaterThan(0);
    await rm(folder, { recursive: true });
  });

  it('goes on with what the host says when there is no nvidia-smi', async () => {
    const samples = await samplesUntil(
      { adapter: NVIDIA, spawn: (_, args, options) => spawn('/nonexistent/nvidia-smi', args, options) },
      (all) => all.length >= 3,
    );
    expect(samples.at(-1)).toMatchObject({ source: 'host', modelName: '' });
    expect(samples.at(-1)?.utilizationPercent).toBeUndefined();
  });

  it('of a software driver is that of processor and memory', async () => {
    const adapter = { vendor: 'mesa', device: 'llvmpipe', description: '', adapterClass: 'cpu' } as const;
    const samples = await samplesUntil({ adapter }, (all) => all.some((each) => each.utilizationPercent !== undefined));
    expect(samples[0]?.utilizationPercent).toBeUndefined();
    expect(samples[0]?.memoryTotalBytes).toBe(readHost().hostMemoryTotalBytes);
  });
});

describe('how busy the processor is', () => {
  it('counts from one look to the next', () => {
    const ticks = [
      { busy: 10, all: 100 },
      { busy: 35, all: 150 },
      { busy: 35, all: 150 },
    ];
    const cpu = new CpuUtilization(() => ticks.shift()!);
    expect([cpu.percent(), cpu.percent(), cpu.percent()]).toEqual([null, 50, null]);
  });
});
