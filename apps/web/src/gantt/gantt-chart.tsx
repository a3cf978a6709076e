import { Maximize2, ZoomIn, ZoomOut } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useTheme } from '../app/theme';
import { IconButton } from '../ui/button';
import { GanttLegend } from './gantt-legend';
import { GUTTER_PX, type GanttBox, type GanttWindow, boxAt, ganttLayout, panWindow, zoomWindow } from './gantt-layout';
import { type GanttGroup, endOf } from './gantt-model';
import { paintGantt } from './paint-gantt';

interface GanttChartProps {
  /** Says in words what is drawn. */
  readonly label: string;
  readonly groups: readonly GanttGroup[];
  readonly formatTime: (time: number) => string;
}

const ZOOM = 0.6;
const PAN = 0.2;

/**
 * Draws spans per rank over time on a canvas. Dragging and the arrow keys move it; Ctrl with the wheel, + and - zoom.
 */
export function GanttChart({ label, groups, formatTime }: GanttChartProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const end = useMemo(() => endOf(groups), [groups]);
  const [zoomed, setZoomed] = useState<GanttWindow>();
  const window = zoomed ?? { from: 0, to: end };
  const { hovered, pointer } = useDrawing(canvas, { groups, window, formatTime });
  const drag = useRef<{ x: number; window: GanttWindow }>(undefined);
  const zoom = (factor: number, about = (window.from + window.to) / 2): void =>
    setZoomed(zoomWindow(window, { factor, about, end }));
  const pan = (part: number): void => setZoomed(panWindow(window, part * (window.to - window.from), end));
  const timeAt = (x: number, within: GanttWindow): number =>
    within.from +
    ((x - GUTTER_PX) / Math.max(1, (canvas.current?.clientWidth ?? 0) - GUTTER_PX)) * (within.to - within.from);
  useWheelZoom(canvas, (x, isIn) => zoom(isIn ? ZOOM : 1 / ZOOM, timeAt(x, window)));
  const onKey = (event: KeyboardEvent): void => {
    const action = { '+': () => zoom(ZOOM), '=': () => zoom(ZOOM), '-': () => zoom(1 / ZOOM) }[event.key];
    const move = { ArrowLeft: -PAN, ArrowRight: PAN }[event.key];
    if (action === undefined && move === undefined) return;
    event.preventDefault();
    action?.();
    if (move !== undefined) pan(move);
  };
  return (
    <div className="gantt">
      <div className="gantt-bar">
        <GanttLegend groups={groups} />
        <div className="gantt-buttons">
          <IconButton icon={ZoomOut} label="Zoom out" onClick={() => zoom(1 / ZOOM)} />
          <IconButton icon={ZoomIn} label="Zoom in" onClick={() => zoom(ZOOM)} />
          <IconButton icon={Maximize2} label="Whole width" onClick={() => setZoomed(undefined)} />
        </div>
      </div>
      <div className="gantt-plot">
        <canvas
          ref={canvas}
          role="img"
          aria-label={label}
          tabIndex={0}
          onKeyDown={onKey}
          onPointerDown={(event) => {
            drag.current = { x: event.clientX, window };
            event.currentTarget.setPointerCapture(event.pointerId);
          }}
          onPointerMove={(event) => {
            pointer(event);
            if (drag.current === undefined) return;
            const from = drag.current;
            const by = timeAt(from.x, from.window) - timeAt(event.clientX, from.window);
            if (Math.abs(event.clientX - from.x) > 3) setZoomed(panWindow(from.window, by, end));
          }}
          onPointerUp={() => (drag.current = undefined)}
          onPointerLeave={() => pointer(undefined)}
        />
        {hovered && <Tooltip box={hovered} formatTime={formatTime} />}
      </div>
    </div>
  );
}

function Tooltip({ box, formatTime }: { box: GanttBox; formatTime: (time: number) => string }): ReactNode {
  const { span } = box;
  return (
    <div className="gantt-tip" style={{ left: box.x, top: box.y + box.height + 6 }}>
      <b>{span.detail}</b>
      <br />
      {formatTime(span.duration)} from {formatTime(span.start)}
    </div>
  );
}

interface Drawing {
  readonly groups: readonly GanttGroup[];
  readonly window: GanttWindow;
  readonly formatTime: (time: number) => string;
}

interface Hover {
  readonly hovered: GanttBox | undefined;
  readonly pointer: (event: { nativeEvent: { offsetX: number; offsetY: number } } | undefined) => void;
}

function useDrawing(canvas: React.RefObject<HTMLCanvasElement | null>, drawing: Drawing): Hover {
  const { groups, window, formatTime } = drawing;
  const theme = useTheme();
  const [widthPx, setWidthPx] = useState(0);
  const [hovered, setHovered] = useState<GanttBox>();
  const { from, to } = window;
  const layout = useMemo(() => ganttLayout(groups, { from, to }, widthPx), [groups, from, to, widthPx]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidthPx(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [canvas]);
  useEffect(() => {
    if (canvas.current !== null && widthPx > 0) paintGantt(canvas.current, layout, { widthPx, formatTime, hovered });
  }, [canvas, layout, widthPx, formatTime, hovered, theme]);
  const pointer: Hover['pointer'] = (event) =>
    setHovered(event && boxAt(layout, event.nativeEvent.offsetX, event.nativeEvent.offsetY));
  return { hovered, pointer };
}

/**
 * Zooms only with Ctrl, so that otherwise the page scrolls past the drawing. React's own wheel listeners are passive
 * and cannot keep the page from scrolling.
 */
function useWheelZoom(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  zoom: (x: number, isIn: boolean) => void,
): void {
  useEffect(() => {
    const element = canvas.current;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.offsetX, event.deltaY < 0);
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  });
}
