import { type RunSpec, scheduleRequest } from '@millrace/contracts';
import { lowerSchedule, makeSchedule, simulateSchedule } from '@millrace/pipeline';
import { type ReactNode, useMemo } from 'react';
import { formatValue } from '../../../format/format-number';
import { GanttChart } from '../../../gantt/gantt-chart';
import type { GanttGroup } from '../../../gantt/gantt-model';
import { scheduleRows } from '../../../gantt/schedule-rows';

/** F, I and W of equal stages take one unit each: the drawing shows the plan's order, not measured lengths. */
const UNIT = { F: 1, I: 1, W: 1 };
/** In a drawing with more cells than this, nobody can tell them apart. */
const CELLS_MAX = 20_000;

export function PlanDrawing({ spec }: { readonly spec: RunSpec }): ReactNode {
  const groups = useMemo((): GanttGroup[] => {
    const request = scheduleRequest(spec);
    if (request.ranks * request.microBatches * request.chunks > CELLS_MAX) return [];
    const { name, csv, ...sizes } = request;
    const schedule = makeSchedule({ name, ...sizes, ...(name === 'csv' ? { csv } : {}) });
    return [{ title: 'one step', rows: scheduleRows(schedule, simulateSchedule(lowerSchedule(schedule), UNIT)) }];
  }, [spec]);
  if (groups.length === 0) return null;
  const { schedule, pp } = spec.parallel;
  return (
    <GanttChart
      label={`Order of one step under ${schedule} on ${pp} ranks, with F, I and W of one unit each`}
      groups={groups}
      formatTime={formatValue}
    />
  );
}
