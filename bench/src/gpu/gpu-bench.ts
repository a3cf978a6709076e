import { join } from 'node:path';
import { systemClock } from '@millrace/core';
import type { ProbedAdapter } from '@millrace/runtime';
import { runBounded } from './bounded-process';
import { BenchError } from './bench-error';
import { FULL_CASES, SMALL_CASES } from './gpu-cases';
import type { GpuOptions } from './gpu-options';
import type { GpuProblem, GpuRow } from './gpu-row';
import { GPU_SECTIONS, type GpuSectionName, PEER_SECONDS_MAX } from './gpu-sections';
import { runTorch, type TorchResult } from './torch-peer';
import type { SectionOrder } from './section-process';
import { choicesOf } from './sections/tuning';

export interface SectionResult {
  readonly seconds: number;
  readonly rows: readonly GpuRow[];
  /** Why the section ended early; its rows are what it had by then. */
  readonly problem?: GpuProblem;
}

export interface GpuResult extends ProbedAdapter {
  /** Small sizes on a software driver: they show that the benchmark works, and nothing of a device. */
  readonly software: boolean;
  readonly node: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly sections: Readonly<Partial<Record<GpuSectionName, SectionResult>>>;
  readonly torch: TorchResult;
}

const PROGRAM = join(__dirname, 'section-process.js');
const ADAPTER_SECONDS_MAX = 30;
/** A section is told to end by itself so long before its process is ended. */
const GRACE = 0.85;
const SECTION_SECONDS_MIN = 2;

/** Runs all sections one after the other; whatever one of them does, the others run, and all ends in time. */
export async function benchGpu(options: GpuOptions, log: (line: string) => void): Promise<GpuResult> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const left = (): number => options.seconds - (performance.now() - startMs) / 1000;
  const probed = await probe(options);
  const isSoftware = probed.adapter.adapterClass === 'cpu';
  if (isSoftware) log(softwareNotice(probed));
  const software = options.software || isSoftware;
  log(`measuring ${probed.adapter.description}${software ? ' at small sizes' : ''}`);
  const sections: Partial<Record<GpuSectionName, SectionResult>> = {};
  for (const [name, { secondsMax }] of Object.entries(GPU_SECTIONS) as [GpuSectionName, { secondsMax: number }][]) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    const seconds = Math.min(secondsMax, left());
    const ceilings = ceilingsOf(sections.ceilings);
    const choices = choicesOf(sections.tuning?.rows ?? []);
    const result = await runSection({ section: name, software, seconds, ceilings, choices });
    sections[name] = result;
    log(`${name}: ${result.rows.length} rows in ${result.seconds.toFixed(0)} s${told(result.problem)}`);
  }
  const cases = software ? SMALL_CASES : FULL_CASES;
  const secondsMax = Math.min(PEER_SECONDS_MAX, left());
  const torch = await runTorch({ cases, python: options.python, secondsMax, clock: systemClock });
  log(`torch: ${torch.figures.size} figures${told(torch.problem)}`);
  const seconds = (performance.now() - startMs) / 1000;
  return { ...probed, software, node: process.version, startedAt, seconds, sections, torch };
}

function told(problem: GpuProblem | undefined): string {
  return problem === undefined ? '' : `; ${problem.code}: ${problem.message}`;
}

async function probe({ software }: GpuOptions): Promise<ProbedAdapter> {
  let probed: ProbedAdapter | undefined;
  let problem: GpuProblem | undefined;
  const order: SectionOrder = { section: 'adapter', software, seconds: ADAPTER_SECONDS_MAX, ceilings: {}, choices: [] };
  const failed = await runBounded({
    ...{ command: process.execPath, args: [PROGRAM, JSON.stringify(order)], secondsMax: ADAPTER_SECONDS_MAX },
    clock: systemClock,
    onMessage: (message) => {
      probed ??= message['adapter'] as ProbedAdapter | undefined;
      problem ??= message['problem'] as GpuProblem | undefined;
    },
  });
  if (probed !== undefined) return probed;
  const { code, message } = problem ?? failed ?? { code: 'BENCH.PROCESS_FAILED', message: 'the probe said nothing' };
  throw new BenchError('BENCH.NO_ADAPTER', `${code}: ${message}`);
}

/** For someone who has a GPU that was not found, since the figures of a software driver say nothing of it. */
function softwareNotice({ adapter }: ProbedAdapter): string {
  return (
    `the only adapter is a software driver (${adapter.description}), which says nothing about a GPU: this is a trial of ` +
    'the benchmark at small sizes. To measure a GPU install its Vulkan driver and libvulkan1, and where several drivers ' +
    "are installed set VK_DRIVER_FILES to the GPU's (for NVIDIA nvidia_icd.json)"
  );
}

/** Runs a section in a process of its own, which is ended with its time. */
async function runSection(order: SectionOrder): Promise<SectionResult> {
  const { section, seconds } = order;
  const rows: GpuRow[] = [];
  if (seconds < SECTION_SECONDS_MIN) {
    return { seconds: 0, rows, problem: { code: 'BENCH.NO_TIME', message: 'no time was left for this section' } };
  }
  let own: GpuProblem | undefined;
  const startMs = performance.now();
  const failed = await runBounded({
    command: process.execPath,
    args: [PROGRAM, JSON.stringify({ ...order, section, seconds: GRACE * seconds })],
    secondsMax: seconds,
    clock: systemClock,
    onMessage: (message) => {
      if (message['row'] !== undefined) rows.push(message['row'] as GpuRow);
      own ??= message['problem'] as GpuProblem | undefined;
    },
  });
  const problem = failed ?? own;
  return { seconds: (performance.now() - startMs) / 1000, rows, ...(problem === undefined ? {} : { problem }) };
}

function ceilingsOf(result: SectionResult | undefined): Record<string, number> {
  return Object.fromEntries((result?.rows ?? []).flatMap(({ name, ours }) => (ours === null ? [] : [[name, ours]])));
}
