import { lowerSchedule } from '../lower/lower-schedule';
import type { Action } from '../schedule/action';
import type { Schedule } from '../schedule/schedule';
import type { ScheduleTimes } from '../simulate/schedule-times';
import { simulateSchedule, type TimedAction } from '../simulate/simulate-schedule';
import { SVG_STYLE, fillOf } from './svg-colours';

const ROW_PX = 26;
const GAP_PX = 3;
const LABEL_PX = 60;
const HEADER_PX = 44;
const AXIS_PX = 26;
/** Width of the whole step in pixels; a cell that is too narrow for its text has none. */
const STEP_PX = 1600;
const MARGIN_PX = 20;
const CHARACTER_PX = 6.2;
const TICKS_MAX = 20;

/**
 * Draws the simulated step as a standalone SVG document: F is blue, I orange, W green, later chunks have darker shades,
 * each cell shows its micro-batch's number, and gaps are idle time. An overlapped pair [F+B] has a frame around it.
 * Below is the time.
 */
export function toSvg(schedule: Schedule, times: ScheduleTimes): string {
  const simulation = simulateSchedule(schedule.lowered ? schedule : lowerSchedule(schedule), times);
  const scale = simulation.stepTime === 0 ? 0 : STEP_PX / simulation.stepTime;
  const bottom = HEADER_PX + ROW_PX * schedule.ranks;
  const [width, height] = [LABEL_PX + STEP_PX + MARGIN_PX, bottom + AXIS_PX];
  const rows = simulation.actions.map((row, rank) => drawRow(schedule, row, { rank, scale }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`,
    `<title>${escapeXml(titleOf(schedule))}</title>`,
    `<style>${SVG_STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...drawHeader(schedule),
    ...rows,
    ...drawAxis(simulation.stepTime, { top: bottom, scale }),
    '</svg>\n',
  ].join('\n');
}

function titleOf({ name, ranks, microBatches, chunks }: Schedule): string {
  const parts = `${name}, ${ranks} ranks, ${microBatches} micro-batches`;
  return chunks === 1 ? parts : `${parts}, ${chunks} chunks`;
}

/** The title, and what each colour means. */
function drawHeader(schedule: Schedule): string[] {
  const kinds = ['F', 'I', 'W'] as const;
  const legend = kinds.flatMap((kind, kindIndex) =>
    Array.from({ length: schedule.chunks }, (_, chunk) => {
      const x = LABEL_PX + (kindIndex * schedule.chunks + chunk) * 76;
      const label = schedule.chunks === 1 ? kind : `${kind} chunk ${chunk}`;
      return (
        `<rect x="${x}" y="24" width="12" height="12" fill="${fillOf(kind, chunk, schedule.chunks)}"/>` +
        `<text x="${x + 16}" y="34">${label}</text>`
      );
    }),
  );
  return [`<text x="${LABEL_PX}" y="15" class="title">${escapeXml(titleOf(schedule))}</text>`, ...legend];
}

interface Line {
  readonly rank: number;
  readonly scale: number;
}

function drawRow(schedule: Schedule, row: readonly TimedAction[], line: Line): string {
  const top = HEADER_PX + line.rank * ROW_PX;
  const label = `<text x="4" y="${top + 17}">rank ${line.rank}</text>`;
  const idle = `<rect class="idle" x="${LABEL_PX}" y="${top}" width="${STEP_PX}" height="${ROW_PX - GAP_PX}"/>`;
  const cells = row.map((timed) => drawCell(schedule, timed, { top, scale: line.scale }));
  const frames = row.flatMap((timed, index) => {
    const end = timed.action.overlaps === undefined ? undefined : row[index + 2]?.end;
    return end === undefined ? [] : [drawFrame(timed.start, end, { top, scale: line.scale })];
  });
  return [label, idle, ...cells, ...frames].join('\n');
}

interface Place {
  readonly top: number;
  readonly scale: number;
}

function drawCell(schedule: Schedule, { action, start, end }: TimedAction, { top, scale }: Place): string {
  const x = LABEL_PX + start * scale;
  const width = (end - start) * scale;
  const text = String(action.microBatch);
  const chunk = chunkOf(schedule, action);
  const rect =
    `<rect class="cell" x="${x.toFixed(2)}" y="${top}" width="${width.toFixed(2)}" height="${ROW_PX - GAP_PX}" ` +
    `fill="${fillOf(action.kind, chunk, schedule.chunks)}"/>`;
  if (width < text.length * CHARACTER_PX) return rect;
  return `${rect}<text x="${(x + width / 2).toFixed(2)}" y="${top + 16}" class="number">${text}</text>`;
}

function chunkOf({ stagesOfRank, rankOfStage }: Schedule, { stage }: Action): number {
  return stagesOfRank[rankOfStage[stage] ?? 0]?.indexOf(stage) ?? 0;
}

function drawFrame(start: number, end: number, { top, scale }: Place): string {
  const x = (LABEL_PX + start * scale).toFixed(2);
  const width = ((end - start) * scale).toFixed(2);
  return `<rect class="pair" x="${x}" y="${top}" width="${width}" height="${ROW_PX - GAP_PX}"/>`;
}

function drawAxis(stepTime: number, { top, scale }: Place): string[] {
  if (stepTime === 0) return [];
  const tick = tickOf(stepTime);
  return Array.from({ length: Math.floor(stepTime / tick + 1e-9) + 1 }, (_, index) => {
    const time = Number((index * tick).toPrecision(12));
    const x = (LABEL_PX + time * scale).toFixed(2);
    return `<path class="tick" d="M${x} ${top}v4"/><text x="${x}" y="${top + 17}" class="number">${time}</text>`;
  });
}

/** 1, 2 or 5 times a power of ten. */
function tickOf(stepTime: number): number {
  const power = 10 ** Math.floor(Math.log10(stepTime / TICKS_MAX));
  return [1, 2, 5, 10].map((factor) => factor * power).find((tick) => stepTime / tick <= TICKS_MAX) ?? 10 * power;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
}
