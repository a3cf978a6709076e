import type { GpuResult, SectionResult } from '../gpu-bench';
import type { GpuRow } from '../gpu-row';
import { skippedOf } from './gpu-skipped';
import { ARITHMETIC, COPY } from '../sections/ceilings';

/** A row with what it is beside. */
export interface ComparedRow extends GpuRow {
  readonly peer: number | null;
  /** How many times as fast as the peer. */
  readonly ratio: number | null;
  readonly ofCeiling: number | null;
}

interface ComparedSection extends Omit<SectionResult, 'rows'> {
  readonly rows: readonly ComparedRow[];
}

/** The result as it is written: each row beside torch and beside what the adapter reaches at most. */
export interface GpuReport extends Omit<GpuResult, 'sections' | 'torch'> {
  readonly sections: Readonly<Record<string, ComparedSection>>;
  /** What was to be measured and was not, with why. */
  readonly skipped: readonly string[];
  readonly torch: Omit<GpuResult['torch'], 'figures'> & { readonly figures: Readonly<Record<string, number>> };
}

const CEILINGS: Readonly<Partial<Record<GpuRow['unit'], string>>> = { 'GFLOP/s': ARITHMETIC, 'GB/s': COPY };

export function compareGpu(result: GpuResult): GpuReport {
  const { sections, torch, ...rest } = result;
  const ceilings = new Map((sections.ceilings?.rows ?? []).map(({ name, ours }) => [name, ours]));
  const compared = Object.entries(sections).map(([section, { rows, ...result }]) => {
    const ceilingOf = ({ unit }: GpuRow): number | null =>
      section === 'ceilings' ? null : (ceilings.get(CEILINGS[unit] ?? '') ?? null);
    const own = rows.map((row): ComparedRow => {
      const [peer, ceiling] = [torch.figures.get(row.name) ?? null, ceilingOf(row)];
      const ofCeiling = row.ours === null || ceiling === null ? null : row.ours / ceiling;
      return { ...row, peer, ratio: ratioOf(row, peer), ofCeiling, ...(ceiling === null ? {} : { ceiling }) };
    });
    return [section, { ...result, rows: own }] as const;
  });
  return {
    ...rest,
    sections: Object.fromEntries(compared),
    skipped: skippedOf(result),
    torch: { ...torch, figures: Object.fromEntries(torch.figures) },
  };
}

/** Of times the smaller is the faster. */
function ratioOf({ ours, unit }: GpuRow, peer: number | null): number | null {
  if (ours === null || peer === null) return null;
  return unit === 'ms' ? peer / ours : ours / peer;
}

const HEADS = ['', 'ours', 'torch', 'ratio', 'of ceiling', 'unit'];

/** The report for people: a table for each section, and what is not there. */
export function gpuText(report: GpuReport): string {
  const { adapter, subgroupMatrixConfigs: configs, torch, seconds, skipped, software } = report;
  const matrices = configs.map(
    ({ M, N, K, componentType, resultComponentType }) => `${M}x${N}x${K} ${componentType} to ${resultComponentType}`,
  );
  const peer = torch.problem ? `none (${torch.problem.message})` : `${torch.version} on ${torch.device}`;
  return [
    `${adapter.description}${software ? ', a trial at small sizes that says nothing of a device' : ''}`,
    `${seconds.toFixed(0)} s, node ${report.node}`,
    `torch: ${peer}`,
    `subgroup matrices: ${matrices.join(', ') || 'none'}`,
    ...Object.entries(report.sections).map(([name, section]) => sectionText(name, section)),
    '',
    ...skipped.map((each) => `skipped: ${each}`),
  ].join('\n');
}

function sectionText(name: string, { rows, seconds, problem }: ComparedSection): string {
  const cells = rows.map((row) => [
    row.name,
    row.problem === undefined ? figure(row.ours) : row.problem.code,
    figure(row.peer),
    figure(row.ratio),
    row.ofCeiling === null ? '-' : `${(100 * row.ofCeiling).toFixed(0)} %`,
    row.unit,
  ]);
  const lines = tableText([HEADS, ...cells]);
  const failed = problem === undefined ? '' : `; ended early: ${problem.code}, ${problem.message}`;
  return `\n${name} (${seconds.toFixed(0)} s${failed})\n${lines}`;
}

function tableText(cells: readonly (readonly string[])[]): string {
  const widths = HEADS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function figure(value: number | null): string {
  if (value === null) return '-';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
