import { describe, expect, it } from 'vitest';
import { GUTTER_PX, boxAt, ganttHeight, ganttLayout, panWindow, tickTimes, zoomWindow } from './gantt-layout';
import { type GanttGroup, endOf, rowsOf } from './gantt-model';

const spans = [
  { rank: 1, kind: 'F', chunk: 0, microBatch: 0, startUs: 120, durationUs: 20 },
  { rank: 0, kind: 'F', chunk: 0, microBatch: 0, startUs: 100, durationUs: 20 },
  { rank: 0, kind: 'wait-gradient', microBatch: null, startUs: 120, durationUs: 40 },
  { rank: 0, kind: 'something-new', startUs: 160, durationUs: 40 },
];
const groups: GanttGroup[] = [{ title: 'executed', rows: rowsOf(spans, 100) }];

describe('rows of a timeline', () => {
  it('are one per rank in ascending order, with times from the origin', () => {
    expect(groups[0]?.rows.map(({ label }) => label)).toEqual(['rank 0', 'rank 1']);
    expect(groups[0]?.rows[1]?.spans[0]).toMatchObject({ start: 20, duration: 20, category: 'F', text: '0' });
    expect(endOf(groups)).toBe(100);
  });

  it('take kinds that they do not know', () => {
    expect(groups[0]?.rows[0]?.spans[2]).toMatchObject({ category: 'other', detail: 'something-new', text: '' });
  });
});

describe('the layout', () => {
  const widthPx = GUTTER_PX + 1000;

  it('places boxes in proportion, waits in the lane below', () => {
    const layout = ganttLayout(groups, { from: 0, to: 100 }, widthPx);
    const [forward, wait] = layout.boxes;
    expect(forward).toMatchObject({ x: GUTTER_PX, width: 200 });
    expect(wait).toMatchObject({ x: GUTTER_PX + 200, width: 400 });
    expect(wait!.y).toBeGreaterThan(forward!.y + forward!.height - 1);
    expect(layout.heightPx).toBe(ganttHeight(groups));
  });

  it('leaves out what is outside the window and cuts what crosses its edge', () => {
    const layout = ganttLayout(groups, { from: 30, to: 50 }, widthPx);
    expect(layout.boxes.map(({ span }) => span.detail)).toEqual(['wait-gradient', 'F, micro-batch 0']);
    expect(layout.boxes[0]).toMatchObject({ x: GUTTER_PX, width: 1000 });
  });

  it('finds the box under a point', () => {
    const layout = ganttLayout(groups, { from: 0, to: 100 }, widthPx);
    const { x, y } = layout.boxes[0]!;
    expect(boxAt(layout, x + 5, y + 5)?.span.category).toBe('F');
    expect(boxAt(layout, x + 5, layout.heightPx - 1)).toBeUndefined();
  });
});

describe('the window', () => {
  it('zooms about a time that stays where it is, and never leaves the drawing', () => {
    expect(zoomWindow({ from: 0, to: 100 }, { factor: 0.5, about: 50, end: 100 })).toEqual({ from: 25, to: 75 });
    expect(zoomWindow({ from: 25, to: 75 }, { factor: 9, about: 50, end: 100 })).toEqual({ from: 0, to: 100 });
    expect(zoomWindow({ from: 0, to: 50 }, { factor: 0.5, about: 0, end: 100 })).toEqual({ from: 0, to: 25 });
  });

  it('stops at both ends', () => {
    expect(panWindow({ from: 20, to: 40 }, -50, 100)).toEqual({ from: 0, to: 20 });
    expect(panWindow({ from: 20, to: 40 }, 500, 100)).toEqual({ from: 80, to: 100 });
  });

  it('has round ticks', () => {
    expect(tickTimes({ from: 0, to: 100 }, 550)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(tickTimes({ from: 13, to: 14 }, 300)).toEqual([13, 13.5, 14]);
    expect(tickTimes({ from: 5, to: 5 }, 300)).toEqual([]);
  });
});
