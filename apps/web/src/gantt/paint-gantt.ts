import { cssColour } from '../charts/chart-options';
import { GUTTER_PX, type GanttBox, type GanttLayout } from './gantt-layout';

const CHARACTER_PX = 6.6;
const CHUNK_SHADE = 0.24;
const CHUNK_SHADES = 3;

interface PaintOptions {
  readonly widthPx: number;
  readonly formatTime: (time: number) => string;
  readonly hovered: GanttBox | undefined;
}

/** Draws a layout in the colours of the current theme, at the screen's own resolution. */
export function paintGantt(canvas: HTMLCanvasElement, layout: GanttLayout, options: PaintOptions): void {
  const pen = canvas.getContext('2d');
  if (pen === null) return;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(options.widthPx * ratio);
  canvas.height = Math.round(layout.heightPx * ratio);
  canvas.style.height = `${layout.heightPx}px`;
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, options.widthPx, layout.heightPx);
  paintTicks(pen, layout, options);
  paintBoxes(pen, layout.boxes);
  paintLabels(pen, layout);
  if (options.hovered !== undefined) paintFrame(pen, options.hovered);
}

function paintTicks(pen: CanvasRenderingContext2D, layout: GanttLayout, { widthPx, formatTime }: PaintOptions): void {
  pen.strokeStyle = cssColour('--chart-grid');
  pen.fillStyle = cssColour('--text-quiet');
  pen.font = `11px ${cssColour('--font')}`;
  pen.textBaseline = 'middle';
  for (const { x, time } of layout.ticks) {
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, layout.axisY);
    pen.stroke();
    const text = formatTime(time);
    const half = pen.measureText(text).width / 2;
    pen.textAlign = 'center';
    pen.fillText(text, Math.min(Math.max(x, GUTTER_PX + half), widthPx - half - 2), layout.axisY + 13);
  }
}

function paintBoxes(pen: CanvasRenderingContext2D, boxes: readonly GanttBox[]): void {
  const colours = new Map<string, string>();
  const textColour = cssColour('--span-text');
  const shade = cssColour('--span-text');
  pen.font = `11px ${cssColour('--mono')}`;
  pen.textAlign = 'center';
  for (const { x, y, width, height, span } of boxes) {
    let colour = colours.get(span.category);
    if (colour === undefined) colours.set(span.category, (colour = cssColour(`--span-${span.category.toLowerCase()}`)));
    // Neighbours are separated by a gap of one pixel if they are wide enough for it.
    const drawn = width > 3 ? width - 1 : width;
    pen.fillStyle = colour;
    pen.fillRect(x, y, drawn, height);
    if (span.chunk > 0) {
      pen.globalAlpha = CHUNK_SHADE * (Math.min(span.chunk, CHUNK_SHADES) / CHUNK_SHADES);
      pen.fillStyle = shade;
      pen.fillRect(x, y, drawn, height);
      pen.globalAlpha = 1;
    }
    if (span.text === '' || width < span.text.length * CHARACTER_PX + 3 || height < 12) continue;
    pen.fillStyle = textColour;
    pen.fillText(span.text, x + drawn / 2, y + height / 2 + 0.5);
  }
}

function paintLabels(pen: CanvasRenderingContext2D, { labels }: GanttLayout): void {
  pen.textAlign = 'left';
  for (const { y, text, isTitle } of labels) {
    pen.font = `${isTitle ? '600 ' : ''}12px ${cssColour('--font')}`;
    pen.fillStyle = cssColour(isTitle ? '--text' : '--text-quiet');
    pen.fillText(text, 0, y);
  }
}

function paintFrame(pen: CanvasRenderingContext2D, { x, y, width, height }: GanttBox): void {
  pen.strokeStyle = cssColour('--text');
  pen.lineWidth = 1.5;
  pen.strokeRect(x, y, width, height);
}
