import type { Plan, PlannedRank, PlannedStage } from '../plan';
import { bytesText } from '@millrace/core';
import { percentText, secondsText, settingText } from './plan-text';

/** Describes the plan for people: what it predicts, the memory of every rank, and by how much other plans lost. */
export function explainPlan(plan: Plan): string {
  const { setting, stepSeconds, bubbleOfTotal, bubbleOfIdeal, ranks, runnerUps } = plan;
  const heading =
    `${settingText(setting)} on ${ranks.length} ${ranks.length === 1 ? 'device' : 'devices'}: ` +
    `${secondsText(stepSeconds)} per step, bubble ${percentText(bubbleOfTotal)} of total, ` +
    `${percentText(bubbleOfIdeal)} of ideal`;
  const lost = runnerUps.map(({ name, outline, reason }) => {
    const layers = outline === undefined ? '' : ` (layers ${outline.layersPerStage.join(', ')})`;
    return `  ${name}${layers}: ${reason}`;
  });
  return [heading, rankTable(plan), ...(lost.length > 0 ? ['What else was considered:', ...lost] : [])].join('\n');
}

const HEADINGS = [
  'RANK',
  'DEVICE',
  'LAYERS',
  'COMPUTES',
  'IDLE',
  'WEIGHTS',
  'GRADIENTS',
  'OPTIMIZER',
  'ACTIVATIONS',
  'WORKING',
  'TOTAL',
  'OF',
] as const;

function rankTable({ ranks, stages }: Plan): string {
  const rows = ranks.map((rank) => rankRow(rank, stages));
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [HEADINGS, ...rows].map(line).join('\n');
}

function rankRow(
  { rank, label, busySeconds, idleSeconds, memory, availableBytes }: PlannedRank,
  stages: readonly PlannedStage[],
): string[] {
  const { weights, gradients, optimizer, activations, working, total } = memory;
  const own = stages.filter((stage) => stage.rank === rank);
  return [
    `${rank}`,
    label,
    own.map(layersText).join(' | '),
    secondsText(busySeconds),
    secondsText(idleSeconds),
    ...[weights, gradients, optimizer, activations, working, total].map(bytesText),
    availableBytes === undefined ? 'unknown' : bytesText(availableBytes),
  ];
}

/** Examples: `embedding, 0-3`, `4`, `head`. */
function layersText({ firstLayer, layerCount, embedding, head }: PlannedStage): string {
  const last = firstLayer + layerCount - 1;
  const blocks = layerCount === 0 ? [] : [layerCount === 1 ? `${firstLayer}` : `${firstLayer}-${last}`];
  return [...(embedding ? ['embedding'] : []), ...blocks, ...(head ? ['head'] : [])].join(', ');
}
