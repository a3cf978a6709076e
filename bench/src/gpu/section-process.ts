import { systemClock } from '@millrace/core';
import type { KernelChoice } from '@millrace/kernels';
import { probeAdapter } from '@millrace/runtime';
import { FULL_CASES, SMALL_CASES } from './gpu-cases';
import { problemOf } from './gpu-row';
import { openSection } from './gpu-section';
import { GPU_SECTIONS, type GpuSectionName } from './gpu-sections';

/** One section by itself: prints each row as a line of JSON as soon as it is there, then what ended it early. */
export interface SectionOrder {
  readonly section: GpuSectionName | 'adapter';
  readonly software: boolean;
  readonly seconds: number;
  readonly ceilings: Readonly<Record<string, number>>;
  readonly choices: readonly KernelChoice[];
}

function print(message: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function runSection({ section, software, seconds, ceilings, choices }: SectionOrder): Promise<void> {
  if (section === 'adapter') return print({ adapter: await probeAdapter() });
  const context = openSection({
    clock: systemClock,
    cases: software ? SMALL_CASES : FULL_CASES,
    ceilings: new Map(Object.entries(ceilings)),
    choices,
    secondsMax: seconds,
    emit: (row) => print({ row }),
  });
  await GPU_SECTIONS[section].run(context);
  context.device.close();
}

runSection(JSON.parse(process.argv[2] ?? '{}') as SectionOrder).then(
  () => process.exit(0),
  (error: unknown) => {
    print({ problem: problemOf(error) });
    process.exit(0);
  },
);
