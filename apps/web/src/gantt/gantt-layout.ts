import type { GanttGroup, GanttSpan } from './gantt-model';
import { isBeside } from './span-kind';

export const GUTTER_PX = 66;
const ROW_PX = 34;
const LANE_PX = 7;
const TITLE_PX = 24;
const AXIS_PX = 24;
const WIDTH_MIN_PX = 0.6;

export interface GanttWindow {
  readonly from: number;
  readonly to: number;
}

export interface GanttBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly span: GanttSpan;
}

export interface GanttLabel {
  readonly y: number;
  readonly text: string;
  readonly isTitle: boolean;
}

export interface GanttLayout {
  readonly heightPx: number;
  readonly axisY: number;
  readonly boxes: readonly GanttBox[];
  readonly labels: readonly GanttLabel[];
  readonly ticks: readonly { readonly x: number; readonly time: number }[];
}

/** Height of the whole drawing in pixels, which does not depend on the window. */
export function ganttHeight(groups: readonly GanttGroup[]): number {
  return AXIS_PX + groups.reduce((height, { rows }) => height + TITLE_PX + rows.length * ROW_PX, 0);
}

/**
 * Where everything in the window is drawn. A span outside the window is left out, and one that crosses its edge is cut.
 */
export function ganttLayout(groups: readonly GanttGroup[], window: GanttWindow, widthPx: number): GanttLayout {
  const plotPx = Math.max(1, widthPx - GUTTER_PX);
  const scale = plotPx / Math.max(window.to - window.from, Number.EPSILON);
  const boxes: GanttBox[] = [];
  const labels: GanttLabel[] = [];
  let y = 0;
  for (const { title, rows } of groups) {
    labels.push({ y: y + TITLE_PX / 2 + 2, text: title, isTitle: true });
    y += TITLE_PX;
    for (const { label, spans } of rows) {
      labels.push({ y: y + ROW_PX / 2 - 3, text: label, isTitle: false });
      for (const span of spans) {
        const box = boxOf(span, { y, window, scale });
        if (box !== undefined) boxes.push(box);
      }
      y += ROW_PX;
    }
  }
  const ticks = tickTimes(window, plotPx).map((time) => ({ time, x: GUTTER_PX + (time - window.from) * scale }));
  return { heightPx: y + AXIS_PX, axisY: y, boxes, labels, ticks };
}

function boxOf(
  span: GanttSpan,
  { y, window, scale }: { y: number; window: GanttWindow; scale: number },
): GanttBox | undefined {
  const from = Math.max(span.start, window.from);
  const to = Math.min(span.start + span.duration, window.to);
  if (to < from || span.start > window.to) return undefined;
  const beside = isBeside(span.category);
  return {
    x: GUTTER_PX + (from - window.from) * scale,
    width: Math.max(WIDTH_MIN_PX, (to - from) * scale),
    y: beside ? y + ROW_PX - LANE_PX - 3 : y + 2,
    height: beside ? LANE_PX : ROW_PX - LANE_PX - 7,
    span,
  };
}

/** The box under a point. Thin boxes are drawn last, so that they come before the others. */
export function boxAt({ boxes }: GanttLayout, x: number, y: number): GanttBox | undefined {
  return boxes.findLast((box) => x >= box.x - 1 && x <= box.x + box.width + 1 && y >= box.y && y <= box.y + box.height);
}

const TICK_PX = 110;

/** Round times (1, 2 or 5 times a power of ten), at most one per `TICK_PX`. */
export function tickTimes({ from, to }: GanttWindow, plotPx: number): number[] {
  const least = (to - from) / Math.max(1, Math.floor(plotPx / TICK_PX));
  if (!(least > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= least * 0.999) ?? 10 * power;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** The window zoomed by `factor` around a time and kept inside 0 .. end. */
export function zoomWindow(window: GanttWindow, zoom: { factor: number; about: number; end: number }): GanttWindow {
  const size = Math.min(zoom.end, Math.max(zoom.end / 2_000, (window.to - window.from) * zoom.factor));
  const part = (zoom.about - window.from) / (window.to - window.from || 1);
  return clampWindow({ from: zoom.about - part * size, to: zoom.about + (1 - part) * size }, zoom.end);
}

export function panWindow(window: GanttWindow, by: number, end: number): GanttWindow {
  return clampWindow({ from: window.from + by, to: window.to + by }, end);
}

function clampWindow({ from, to }: GanttWindow, end: number): GanttWindow {
  const size = Math.min(to - from, end);
  const start = Math.min(Math.max(0, from), end - size);
  return { from: start, to: start + size };
}
