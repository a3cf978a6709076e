import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@millrace/core';
import { bindingShape, KERNELS } from '@millrace/kernels';
import { fits } from '@millrace/runtime';
import { tensorBytes } from '@millrace/tensor';
import { FakeClock, openTestBackend } from '@millrace/testing';
import { RECORDED_ADAPTERS } from '../../../libs/testing/src/rehearsal/recorded-adapters';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runBounded } from './bounded-process';
import type { GpuResult } from './gpu-bench';
import { FULL_CASES, SMALL_CASES } from './gpu-cases';
import { parseGpuOptions } from './gpu-options';
import { compareGpu, gpuText } from './report/gpu-report';
import type { GpuRow } from './gpu-row';
import { openSection, type SectionContext } from './gpu-section';
import { skippedOf } from './report/gpu-skipped';
import { GPU_SECONDS_MAX, GPU_SECTIONS, type GpuSectionName, PEER_SECONDS_MAX } from './gpu-sections';
import { stepPrograms } from './measure/step-programs';
import { attentionProgram } from './sections/attention';
import { choicesOf, productPrograms, tuningRows } from './sections/tuning';
import { runTorch, torchCases } from './torch-peer';

const TIMEOUT_MS = 240_000;
const CEILINGS = new Map([
  ['copy', 10],
  ['f32 multiplications and additions', 20],
]);

function section(cases = SMALL_CASES): { context: SectionContext; rows: GpuRow[] } {
  const rows: GpuRow[] = [];
  const emit = (row: GpuRow): void => void rows.push(row);
  return { context: openSection({ clock: systemClock, cases, ceilings: CEILINGS, secondsMax: 200, emit }), rows };
}

describe('on this adapter', () => {
  let hasAdapter = false;
  beforeAll(async () => {
    const backend = await openTestBackend(process.env);
    hasAdapter = backend !== undefined;
    backend?.destroy();
  });
  beforeEach((context) => context.skip(!hasAdapter, 'no adapter'));

  const counts: Readonly<Record<Exclude<GpuSectionName, 'tuning'>, number>> = {
    ceilings: 2,
    products: SMALL_CASES.products.length,
    rows: SMALL_CASES.rows.length,
    attention: SMALL_CASES.attention.length,
    steps: 2,
    conformance: 4,
    kernels: 80,
  };
  it.each(Object.entries(counts) as [GpuSectionName, number][])(
    'the section %s has a figure for every case',
    async (name, countMin) => {
      // A software driver compiles the shaders of each family for seconds.
      const { context, rows } = section({ ...SMALL_CASES, steps: SMALL_CASES.steps.slice(-2) });
      await GPU_SECTIONS[name].run(context);
      context.device.close();
      expect(rows.length).toBeGreaterThanOrEqual(countMin);
      for (const row of rows) {
        expect(row.problem, row.name).toBeUndefined();
        expect(row.ours, row.name).toBeGreaterThan(0);
      }
      expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    },
    TIMEOUT_MS,
  );

  it('says that a software driver is not tuned', async () => {
    const { context, rows } = section();
    await GPU_SECTIONS.tuning.run(context);
    const { adapter } = await context.device.backend();
    context.device.close();
    if (adapter.adapterClass === 'cpu') expect(rows.map(({ problem }) => problem?.code)).toEqual(['BENCH.NOT_TUNED']);
    else expect(rows.at(-1)!.ours).toBeLessThanOrEqual(1);
  });

  it('names what kept it from a figure, and goes on with a device of its own', { timeout: TIMEOUT_MS }, async () => {
    const { context, rows } = section();
    const row = { name: 'x', unit: 'ms' } as const;
    await context.device.measure(row, (backend) => {
      backend.loseDevice();
      return Promise.resolve({ ours: 1 });
    });
    const large = { name: 'large', shape: [2 ** 40], dtype: 'f32', role: 'scratch' } as const;
    await context.device.measure(row, (backend) => Promise.reject(backend.allocate(large)));
    await context.device.measure(row, () => Promise.resolve({ ours: 2 }));
    context.device.close();
    const found = rows.map(({ ours, problem }) => [ours, problem?.code]);
    expect(found).toEqual([
      [null, 'RUNTIME.DEVICE_LOST'],
      [null, 'RUNTIME.TENSOR_TOO_LARGE'],
      [2, undefined],
    ]);
  });

  it('finds a product that is wrong', { timeout: TIMEOUT_MS }, async () => {
    const { context, rows } = section();
    const backend = await context.device.backend();
    const readAll = backend.readAll.bind(backend);
    backend.readAll = async (...given) =>
      (await readAll(...given)).map((values) => values.map((value) => value * 1.01) as Float32Array);
    await GPU_SECTIONS.products.run(context);
    context.device.close();
    expect(rows[0]!.problem?.code).toBe('BENCH.WRONG_RESULT');
  });
});

it('leaves out what would begin after the end of its time', async () => {
  const clock = new FakeClock();
  const rows: GpuRow[] = [];
  const emit = (row: GpuRow): void => void rows.push(row);
  const context = openSection({ clock, cases: SMALL_CASES, ceilings: CEILINGS, secondsMax: 1, emit });
  clock.standStill(1000);
  await GPU_SECTIONS.products.run(context);
  expect(rows.map(({ problem }) => problem?.code)).toEqual(SMALL_CASES.products.map(() => 'BENCH.NO_TIME'));
});

it('hands what was tuned to the sections after it', () => {
  const choice = { kernel: 'matmul_nn', bucket: 'K10 M10 N10', form: '64x64' };
  const rows = tuningRows([{ ...choice, ms: 1, usualMs: 2 }], 'gpu');
  expect(rows.map(({ ours }) => ours)).toEqual([0.5, 0.5]);
  expect(choicesOf(rows)).toEqual([choice]);
  expect(choicesOf(tuningRows([], 'gpu'))).toEqual([]);
});

it('has cases that fit an NVIDIA device', () => {
  const { attention, steps } = FULL_CASES;
  const programs = [...steps.flatMap(stepPrograms), ...productPrograms(FULL_CASES)];
  programs.push(...attention.map(attentionProgram));
  for (const program of programs) expect(fits(program, RECORDED_ADAPTERS['NVIDIA']!), program.name).toEqual([]);
  for (const { name, kernel, dims } of FULL_CASES.rows) {
    const bytes = KERNELS[kernel].bindings.map(({ name: binding, dtype }) =>
      tensorBytes(bindingShape(binding, dims), dtype),
    );
    expect(Math.max(...bytes), name).toBeLessThan(2 ** 31 - 4);
  }
});

it('has less than 8 minutes for all sections and the peer together', () => {
  const sections = Object.values(GPU_SECTIONS).reduce((sum, { secondsMax }) => sum + secondsMax, 0);
  expect(sections + PEER_SECONDS_MAX).toBeLessThanOrEqual(GPU_SECONDS_MAX);
  expect(GPU_SECONDS_MAX).toBeLessThan(480);
});

describe('a process with a bound', () => {
  const run = (script: string, onMessage: (message: unknown) => void, clock = systemClock) =>
    runBounded({ command: process.execPath, args: ['-e', script], secondsMax: 60, clock, onMessage });

  it('is ended with its time, and what it said before is kept', async () => {
    const clock = new FakeClock();
    const messages: unknown[] = [];
    const hanging = "console.log('noise'); console.log('{\"row\":1}'); setInterval(() => undefined, 1000)";
    const problem = await run(hanging, (message) => void (messages.push(message), clock.fireNext()), clock);
    expect(messages).toEqual([{ row: 1 }]);
    expect(problem).toEqual({ code: 'BENCH.OUT_OF_TIME', message: 'it was ended after its 60 seconds' });
  });

  it('is told from one that dies, and from one that cannot be started', async () => {
    const died = await run("console.error('the driver broke'); process.kill(process.pid, 'SIGKILL')", () => undefined);
    expect(died?.message).toBe('it ended with SIGKILL: the driver broke');
    const options = { args: [], secondsMax: 60, clock: systemClock, onMessage: () => undefined };
    const missing = await runBounded({ ...options, command: join(tmpdir(), 'no-such-python') });
    expect(missing?.message).toContain('ENOENT');
    expect(await run('console.log(1)', () => undefined)).toBeUndefined();
  });
});

describe('torch', () => {
  it('is given the cases by the names of our rows, with what both are divided by', () => {
    const given = JSON.parse(JSON.stringify(torchCases(FULL_CASES))) as Record<string, Record<string, unknown>[]>;
    expect(given['products']).toContainEqual({ name: 'f16 product tn 8192', dtype: 'f16', layout: 'tn', size: 8192 });
    for (const { bytes } of given['rows']!) expect(bytes).toBeGreaterThan(1e8);
    for (const { flops } of given['attention']!) expect(flops).toBeGreaterThan(1e9);
    expect(given['steps']!.map(({ name }) => name)).toEqual(FULL_CASES.steps.map(({ name }) => name));
  });

  it('may be missing, fail at some cases, or give figures', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-torch-'));
    const peer = async (program: string) => {
      const script = join(folder, 'peer.cjs');
      writeFileSync(script, program);
      return runTorch({ cases: SMALL_CASES, python: process.execPath, secondsMax: 60, clock: systemClock, script });
    };
    const say = (message: object): string => `console.log(${JSON.stringify(JSON.stringify(message))});`;
    try {
      const absent = await peer(say({ absent: 'no torch' }));
      expect(absent.problem).toEqual({ code: 'BENCH.NO_PEER', message: 'no torch' });
      const about = say({ torch: { version: '2', device: 'GPU' } });
      const found = await peer(about + say({ name: 'a', value: 2 }) + say({ name: 'b', error: 'out of memory' }));
      expect({ ...found, figures: [...found.figures] }).toEqual({
        ...{ version: '2', device: 'GPU' },
        figures: [['a', 2]],
        failed: { b: 'out of memory' },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the report', () => {
  const adapter = { description: 'A GPU', adapterClass: 'gpu' } as GpuResult['adapter'];
  const rows: GpuRow[] = [
    { name: 'product', unit: 'GFLOP/s', ours: 30 },
    { name: 'step', unit: 'ms', ours: 20 },
    { name: 'lost', unit: 'ms', ours: null, problem: { code: 'RUNTIME.DEVICE_LOST', message: 'gone' } },
  ];
  const ceilings: GpuRow[] = [{ name: 'f32 multiplications and additions', unit: 'GFLOP/s', ours: 60 }];
  const config = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
  const report = compareGpu({
    ...{ adapter, subgroupMatrixConfigs: [config], software: false, node: 'v20', startedAt: '', seconds: 9 },
    sections: { ceilings: { seconds: 1, rows: ceilings }, products: { seconds: 2, rows } },
    torch: { figures: new Map([['product', 40], ['step', 10], ['lost', 1]]), failed: {} }, // prettier-ignore
  });

  it('holds each row to torch and to the ceiling; a ratio above 1 is faster', () => {
    const found = report.sections['products']!.rows.map(({ peer, ratio, ofCeiling }) => [peer, ratio, ofCeiling]);
    expect(found).toEqual([
      [40, 0.75, 0.5],
      [10, 0.5, null],
      [1, null, null],
    ]);
  });

  it('says for each thing that was skipped why', () => {
    const trial = {
      ...{ adapter, subgroupMatrixConfigs: [], software: true, sections: { rows: { seconds: 1, rows: [] } } },
      torch: {
        figures: new Map(),
        failed: { 'a step': 'out of memory' },
        problem: { code: 'BENCH.NO_PEER', message: 'no torch' },
      },
    };
    expect(skippedOf(trial)).toEqual([
      'sizes of a GPU: the figures are of small sizes, on A GPU',
      'torch beside: no torch (BENCH.NO_PEER)',
      'a step in torch: out of memory',
      'products by subgroup matrices: the adapter reports no configuration',
    ]);
    const problem = { code: 'BENCH.OUT_OF_TIME', message: 'it was ended' };
    const late = { code: 'BENCH.NO_TIME', message: 'no time' };
    const two = ['a', 'b'].map((name) => ({ name, unit: 'ms', ours: null, problem: late }) as const);
    const ended = { ...trial, software: false, sections: { steps: { seconds: 1, rows: two, problem } } };
    expect(skippedOf(ended).slice(0, 2)).toEqual([
      'the rest of steps: it was ended (BENCH.OUT_OF_TIME)',
      'steps: a; b: no time (BENCH.NO_TIME)',
    ]);
  });

  it('is a table that names what has no figure', () => {
    const text = gpuText(report);
    expect(text).toContain('16x16x16 f16 to f32');
    expect(text).toMatch(/product +30\.0 +40\.0 +0\.750 +50 % +GFLOP\/s/);
    expect(text).toMatch(/lost +RUNTIME\.DEVICE_LOST/);
    expect(text).toContain('skipped: products: lost: gone (RUNTIME.DEVICE_LOST)');
  });
});

it('refuses options that it does not know', () => {
  expect(parseGpuOptions(['--software', '--only', 'rows,steps'])).toMatchObject({
    software: true,
    only: ['rows', 'steps'],
  });
  expect(() => parseGpuOptions(['--only', 'row'])).toThrow('there is no section row');
  expect(() => parseGpuOptions(['--seconds', 'soon'])).toThrow('give a number above 0');
});
