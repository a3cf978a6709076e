import { WGSL } from '@millrace/kernels';
import type { GpuResult } from '../gpu-bench';
import type { GpuRow } from '../gpu-row';

/** Each thing that was to be measured and was not, with why: a line for it. */
export function skippedOf(result: Omit<GpuResult, 'node' | 'startedAt' | 'seconds'>): string[] {
  const { adapter, software, sections, torch } = result;
  const small = `sizes of a GPU: the figures are of small sizes, on ${adapter.description}`;
  const failed = Object.entries(torch.failed).map(([name, reason]) => `${name} in torch: ${reason}`);
  return [
    ...(software ? [small] : []),
    ...Object.entries(sections).flatMap(([name, { rows, problem }]) => [
      ...(problem === undefined ? [] : [`the rest of ${name}: ${problem.message} (${problem.code})`]),
      ...rowsWithout(name, rows),
    ]),
    ...(torch.problem === undefined ? [] : [`torch beside: ${torch.problem.message} (${torch.problem.code})`]),
    ...failed,
    ...matricesWithout(result),
  ];
}

/** One line for all rows of a section that failed alike. */
function rowsWithout(section: string, rows: readonly GpuRow[]): string[] {
  const byProblem = new Map<string, string[]>();
  for (const { name, problem } of rows) {
    if (problem === undefined) continue;
    const why = `${problem.message} (${problem.code})`;
    byProblem.set(why, [...(byProblem.get(why) ?? []), name]);
  }
  return [...byProblem].map(([why, names]) => `${section}: ${names.join('; ')}: ${why}`);
}

function matricesWithout({ subgroupMatrixConfigs: configs }: Pick<GpuResult, 'subgroupMatrixConfigs'>): string[] {
  if (configs.length === 0) return ['products by subgroup matrices: the adapter reports no configuration'];
  const isThere = Object.values(WGSL).some((text) => text.includes('chromium_experimental_subgroup_matrix'));
  return isThere ? [] : ['products by subgroup matrices: no kernel has a shader with them'];
}
