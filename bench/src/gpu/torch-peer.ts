import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '@millrace/core';
import { KERNELS } from '@millrace/kernels';
import { runBounded } from './bounded-process';
import { attentionFlops, type GpuCases } from './gpu-cases';
import type { GpuProblem } from './gpu-row';

/** Where the script is: in a checkout beside the benchmarks' other peers, seen from dist. */
const SCRIPT = resolve(__dirname, '../../../../bench/peers/torch-gpu.py');
/** Or beside this file, where a bundle was unpacked that has no checkout. */
const COPIED = join(__dirname, 'torch-gpu.py');
const SECONDS_MIN = 5;

export interface TorchResult {
  readonly version?: string;
  readonly device?: string;
  /** By the name of the case, in the unit of our row. */
  readonly figures: ReadonlyMap<string, number>;
  readonly problem?: GpuProblem;
  /** Cases that torch could not run, and why. */
  readonly failed: Readonly<Record<string, string>>;
}

interface TorchOrder {
  readonly cases: GpuCases;
  readonly python: string;
  readonly secondsMax: number;
  readonly clock: Clock;
  /** The program that measures; ours by default. */
  readonly script?: string;
}

/** The same cases in PyTorch on the same device, if there is a Python that has it. */
export async function runTorch({
  cases,
  python,
  secondsMax,
  clock,
  script = ownScript(),
}: TorchOrder): Promise<TorchResult> {
  const figures = new Map<string, number>();
  const failed: Record<string, string> = {};
  const none = (code: string, message: string): TorchResult => ({ figures, failed, problem: { code, message } });
  if (python === '') return none('BENCH.NO_PEER', 'no Python was to be asked');
  if (secondsMax < SECONDS_MIN) return none('BENCH.NO_TIME', 'no time was left for torch');
  let about: { version?: string; device?: string } = {};
  let own: GpuProblem | undefined;
  const failure = await runBounded({
    command: python,
    args: [script, JSON.stringify({ ...torchCases(cases), seconds: 0.9 * secondsMax })],
    secondsMax,
    clock,
    onMessage: (message) => {
      const { name, value, error } = message;
      if (message['torch'] !== undefined) about = message['torch'] as typeof about;
      else if (message['absent'] !== undefined) own = { code: 'BENCH.NO_PEER', message: String(message['absent']) };
      else if (typeof name === 'string' && typeof value === 'number') figures.set(name, value);
      else if (typeof name === 'string') failed[name] = String(error);
    },
  });
  const problem = own ?? failure;
  return { ...about, figures, failed, ...(problem === undefined ? {} : { problem }) };
}

function ownScript(): string {
  return existsSync(SCRIPT) ? SCRIPT : COPIED;
}

/** The cases with the operations and bytes by which ours are counted, so that both are divided by the same. */
export function torchCases(cases: GpuCases): Readonly<Record<string, unknown>> {
  return {
    products: cases.products,
    rows: cases.rows.map((row) => ({ ...row, bytes: KERNELS[row.kernel].bytes(row.dims) })),
    attention: cases.attention.map((attention) => ({ ...attention, flops: attentionFlops(attention) })),
    copy: { name: 'copy', bytes: cases.copyBytes },
    steps: cases.steps,
  };
}
