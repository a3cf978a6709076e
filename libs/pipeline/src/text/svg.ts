import { lowerSchedule } from '../lower/lower-schedule';
import type { Schedule } from '../schedule/schedule';
import type { ScheduleTimes } from '../simulate/schedule-times';
import { simulateSchedule, type TimedAction } from '../simulate/simulate-schedule';
import { cellText } from './timetable';

const ROW_PX = 28;
const LABEL_PX = 64;
/** Width of the whole step; cells too narrow for their text go without. */
const STEP_PX = 1600;
const CHARACTER_PX = 7;

/** Distinguishable without colour vision, dark text readable on each. */
const FILL: Readonly<Record<string, string>> = { F: '#9ecae9', I: '#f5b87a', W: '#a8d5a2' };

/** The simulated step as a standalone SVG document: blue F, orange I, green W, gaps are idle. */
export function toSvg(schedule: Schedule, times: ScheduleTimes): string {
  const simulation = simulateSchedule(schedule.lowered ? schedule : lowerSchedule(schedule), times);
  const scale = simulation.stepTime === 0 ? 0 : STEP_PX / simulation.stepTime;
  const height = ROW_PX * schedule.ranks;
  const rows = simulation.actions.map((row, rank) => {
    const label = `<text x="0" y="${rank * ROW_PX + 18}">rank ${rank}</text>`;
    return [label, ...row.map((timed) => drawCell(schedule, timed, { top: rank * ROW_PX, scale }))].join('\n');
  });
  const title = `${schedule.name}, ${schedule.ranks} ranks, ${schedule.microBatches} micro-batches`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LABEL_PX + STEP_PX} ${height}" ` +
      'font-family="monospace" font-size="11">',
    `<title>${escapeXml(title)}</title>`,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

function drawCell(schedule: Schedule, timed: TimedAction, place: { top: number; scale: number }): string {
  const { action, start, end } = timed;
  const x = LABEL_PX + start * place.scale;
  const width = (end - start) * place.scale;
  const text = cellText(schedule, action);
  const rect =
    `<rect x="${x.toFixed(2)}" y="${place.top + 2}" width="${width.toFixed(2)}" height="${ROW_PX - 4}" ` +
    `fill="${FILL[action.kind] ?? '#ccc'}" stroke="#444" stroke-width="0.5"/>`;
  if (width < text.length * CHARACTER_PX + 2) return rect;
  return `${rect}<text x="${(x + width / 2).toFixed(2)}" y="${place.top + 18}" text-anchor="middle">${text}</text>`;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
}
