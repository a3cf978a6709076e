import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NvidiaSmiReport } from '.';
import { NvidiaSmiParseError, parseNvidiaSmi } from '.';
import { GPU_FIELDS } from './values/gpu-fields';

const FIXTURES = join(__dirname, '../fixtures');
const NOHEADER_FIELDS = ['index', 'gpu_uuid', 'memory.total', 'memory.used', 'power.draw.instant'];

function fixture(path: string): Buffer {
  return readFileSync(join(FIXTURES, path));
}

/** What the fixture tells: nulls are left out, so that the file reads as a list of what was found. */
function known(report: NvidiaSmiReport): string {
  return `${JSON.stringify(report, (_, value: unknown) => (value === null ? undefined : value), 2)}\n`;
}

describe('golden reports', () => {
  const files = ['xml', 'csv'].flatMap((folder) =>
    readdirSync(join(FIXTURES, folder))
      .filter((name) => name.endsWith(`.${folder}`) && name !== 'truncated.xml')
      .map((name) => `${folder}/${name}`),
  );

  it.each(files)('%s', async (path) => {
    const fields = path.includes('noheader') ? NOHEADER_FIELDS : undefined;
    const report = parseNvidiaSmi(fixture(path), { fields });
    const golden = join(FIXTURES, path, '../expected', basename(path).replace(/\.\w+$/, '.json'));
    await expect(known(report)).toMatchFileSnapshot(golden);
    for (const gpu of report.gpus) expect(Object.keys(gpu)).toEqual(expect.arrayContaining(Object.keys(GPU_FIELDS)));
  });

  it('truncated.xml is refused with its place', () => {
    const error = errorOf(() => parseNvidiaSmi(fixture('xml/truncated.xml')));
    expect(error).toMatchObject({ code: 'TRUNCATED', position: { offset: 700, line: 22 } });
  });
});

describe('what the goldens must say', () => {
  it('takes the power of the moment, never an average or the module’s', () => {
    const { gpus } = parseNvidiaSmi(fixture('xml/superchip.xml'));
    expect(gpus.map((gpu) => [gpu.powerDrawW, gpu.powerDrawAverageW, gpu.modulePowerDrawW])).toEqual([
      [null, 310, 533.75],
      [null, 300, 611.5],
    ]);
    expect(parseNvidiaSmi(fixture('xml/several-gpus.xml')).gpus[0]).toMatchObject({ powerDrawW: 694.52 });
  });

  it('never fills the GPU from its MIG devices', () => {
    const [gpu] = parseNvidiaSmi(fixture('xml/mig.xml')).gpus;
    expect(gpu).toMatchObject({
      memoryTotalMiB: null,
      memoryUsedMiB: null,
      utilizationGpuPercent: null,
      eccVolatile: { sramUncorrectableCount: null },
      migDevices: [
        { memoryUsedMiB: 3571, memoryReservedMiB: null, utilizationGpuPercent: 77 },
        { memoryUsedMiB: 13, utilizationGpuPercent: null },
      ],
    });
  });

  it('answers null, not 0 and not a part of the number, to what it does not understand', () => {
    for (const path of ['xml/foreign-values.xml', 'xml/unsupported.xml', 'csv/wrong-units.csv']) {
      const report = parseNvidiaSmi(fixture(path));
      const numbers = JSON.stringify(report.gpus, (key, value: unknown) => (key === 'index' ? null : value));
      expect(numbers, path).not.toMatch(/":-?\d/);
    }
  });

  it('takes the last value of a line without an end only when its unit proves it whole', () => {
    const { gpus, warnings } = parseNvidiaSmi(fixture('csv/cut.csv'));
    expect(gpus[0]).toMatchObject({ memoryUsedMiB: 1032, powerDrawW: null });
    expect(warnings).toEqual([expect.stringContaining('the last line has no end')]);
    const whole = parseNvidiaSmi('uuid, power.draw [W]\nGPU-1, 226.70 W');
    expect(whole.gpus[0]?.powerDrawW).toBe(226.7);
  });
});

function errorOf(run: () => unknown): NvidiaSmiParseError {
  try {
    run();
  } catch (error) {
    if (error instanceof NvidiaSmiParseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
