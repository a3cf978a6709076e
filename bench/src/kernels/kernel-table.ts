import { systemClock } from '@millrace/core';
import { SMALL_CASES, type StepCase } from '../gpu/gpu-cases';
import type { GpuRow } from '../gpu/gpu-row';
import { openSection } from '../gpu/gpu-section';
import { measureCeilings } from '../gpu/sections/ceilings';
import { measureKernels } from '../gpu/sections/kernels';
import type { Measurement } from '../measurement';

const SECONDS_MAX = 280;

/** The model of `train-256`, and the Llama with as many weights. */
const SIZES = { layers: 4, heads: 4, hidden: 128, context: 256, vocab: 65, tieEmbeddings: true } as const;
const GPT2: StepCase = {
  name: 'GPT-2',
  config: { family: 'gpt2', ...SIZES, ffn: 512 },
  precision: 'f32',
  microBatch: 4,
};
const LLAMA: StepCase = {
  name: 'Llama',
  config: { family: 'llama', ...SIZES, ffn: 344 },
  precision: 'f32',
  microBatch: 4,
};

/**
 * Each kernel of a step by itself on this machine's adapter, beside what the adapter reaches at most. The ratio is the
 * part of the step's time that its kernels would take at the ceilings.
 */
export async function benchKernels(): Promise<Record<string, Measurement>> {
  const arithmetic = { elements: 2 ** 16, steps: 256 };
  const cases = { ...SMALL_CASES, roundMs: 20, copyBytes: 2 ** 26, arithmetic, steps: [GPT2, LLAMA] };
  const ceilings: GpuRow[] = [];
  const rows: GpuRow[] = [];
  const options = { clock: systemClock, cases, secondsMax: SECONDS_MAX };
  const first = openSection({ ...options, ceilings: new Map(), emit: (row) => ceilings.push(row) });
  await measureCeilings(first);
  first.device.close();
  const known = new Map(ceilings.map(({ name, ours }) => [name, ours ?? Infinity]));
  const second = openSection({ ...options, ceilings: known, emit: (row) => rows.push(row) });
  await measureKernels(second);
  second.device.close();
  return Object.fromEntries(
    cases.steps.map(({ name }) => [
      `kernels_vs_ceiling_${name === GPT2.name ? 'gpt2' : 'llama'}_256`,
      together(
        ceilings,
        rows.filter((row) => row.name.startsWith(`${name}:`)),
      ),
    ]),
  );
}

function together(ceilings: readonly GpuRow[], rows: readonly GpuRow[]): Measurement {
  const all = rows.at(-1)!;
  const [ours, peer] = [all.ours ?? Number.NaN, Number(all.detail?.['idealMs'])];
  const how = 'kernels of a step one by one, times how often it runs them; peer = the same at the ceilings';
  return {
    ours,
    peer,
    ratio: peer / ours,
    unit: 'ms',
    by: { how, ceilings: told(ceilings), kernels: told(rows.slice(0, -1)) },
  };
}

/** What each row says, in a line. */
function told(rows: readonly GpuRow[]): Record<string, string> {
  return Object.fromEntries(
    rows.map(({ name, ours, unit, problem, detail }) => {
      const figure = problem === undefined ? `${(ours ?? Number.NaN).toPrecision(3)} ${unit}` : problem.code;
      if (detail === undefined) return [name, figure];
      const [ms, ideal] = [Number(detail['ms']), Number(detail['idealMs'])];
      const time = `${detail['count']} x ${ms.toPrecision(3)} ms`;
      return [name, `${figure}, ${((100 * ideal) / ms).toFixed(0)} % of the ceiling, ${time}`];
    }),
  );
}
