import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runParser } from './run-parser';

const fixture = (path: string): Buffer => readFileSync(join(__dirname, '../../fixtures', path));

async function run(input: Buffer | string, argv: string[] = []): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const code = await runParser(argv, {
    input: Readable.from([Buffer.from(input)]),
    output: { write: (text) => (written.out += text) },
    errors: { write: (text) => (written.err += text) },
  });
  return { code, ...written };
}

describe('nvidia-smi-parser', () => {
  it('prints one JSON document', async () => {
    const { code, out, err } = await run(fixture('xml/several-gpus.xml'));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      driverVersion: '575.99.01',
      gpus: [
        {
          uuid: 'GPU-11111111-2222-3333-4444-555555555501',
          name: 'NVIDIA H100 80GB HBM3',
          utilizationGpuPercent: 98,
          memoryTotalMiB: 81559,
          memoryUsedMiB: 40317,
          temperatureGpuC: 63,
          powerDrawW: 694.52,
          powerLimitW: 650,
          processes: [
            { pid: 4711, type: 'C', name: 'python train.py --expr "a && b" <fast> café', usedMemoryMiB: 40306 },
          ],
        },
        { name: 'NVIDIA RTX 6000 Ada Generation', fanSpeedPercent: 131 },
      ],
    });
  });

  it('reads CSV, without a header too', async () => {
    const { out } = await run(fixture('csv/noheader.csv'), [
      '--fields',
      'index,uuid,memory.total,memory.used,power.draw',
    ]);
    expect(JSON.parse(out)).toMatchObject({ format: 'csv', gpus: [{ powerDrawW: null }, { powerDrawW: 17.3 }] });
  });

  it('says where the input is broken, on stderr alone', async () => {
    const { code, out, err } = await run(fixture('xml/truncated.xml'));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^nvidia-smi-parser: TRUNCATED: line 22, column \d+: the output stops in the middle/);
  });

  it('explains itself', async () => {
    expect(await run('', ['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('nvidia-smi -q -x |') });
    expect(await run('', ['--colour'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining("'--colour'") });
  });

  it('refuses more than it can be asked to read', async () => {
    const { code, err } = await run(Buffer.alloc(17 * 2 ** 20, 'x'));
    expect(code).toBe(1);
    expect(err).toContain('TOO_LARGE');
  });
});
