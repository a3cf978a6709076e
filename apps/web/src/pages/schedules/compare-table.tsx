import { SCHEDULE_NAMES, type ScheduleName, scheduleTraits } from '@millrace/pipeline';
import type { ColumnDef } from '@tanstack/react-table';
import { type ReactNode, useDeferredValue, useMemo } from 'react';
import { formatPercent, formatValue } from '../../format/format-number';
import { Panel } from '../../ui/panel';
import { DataTable } from '../../ui/table/data-table';
import { drawSchedule } from './draw-schedule';
import type { ScheduleSearch } from './schedule-search';

interface Compared {
  readonly name: ScheduleName;
  readonly stepTime: number | undefined;
  readonly bubble: number | undefined;
  readonly peak: number | undefined;
  readonly why: string;
}

interface CompareTableProps {
  readonly search: ScheduleSearch;
  readonly onChoose: (name: ScheduleName) => void;
}

/** Compares all schedules for the same numbers; each has its own number of chunks. */
export function CompareTable({ search, onChoose }: CompareTableProps): ReactNode {
  const { p, m, times } = useDeferredValue(search);
  const rows = useMemo(() => SCHEDULE_NAMES.map((name) => compared(name, { name, p, m, v: 0, times })), [p, m, times]);
  const columns = useMemo(() => columnsOf(onChoose), [onChoose]);
  return (
    <Panel title="All schedules at these numbers" isFlush note="each with its own number of chunks">
      <DataTable
        label="Schedules compared"
        rows={rows}
        columns={columns}
        rowId={({ name }) => name}
        initialSorting={[{ id: 'bubble', desc: false }]}
      />
    </Panel>
  );
}

function compared(name: ScheduleName, search: ScheduleSearch): Compared {
  const drawn = drawSchedule(search);
  if (typeof drawn === 'string') return { name, stepTime: undefined, bubble: undefined, peak: undefined, why: drawn };
  const { stepTime, bubbleOfTotal, peakMicroBatches } = drawn.simulation;
  const peak = Math.max(...peakMicroBatches.untilWeight);
  if (scheduleTraits(name).flushes) return { name, stepTime, bubble: bubbleOfTotal, peak, why: '' };
  // Such a schedule's steps run into each other: the idle time at both ends of the drawing occurs once per run.
  return {
    name,
    stepTime: undefined,
    bubble: 0,
    peak,
    why: 'It has no flush: a run idles only as it begins and ends.',
  };
}

function columnsOf(onChoose: (name: ScheduleName) => void): ColumnDef<Compared>[] {
  const shown = (value: number | undefined, format: (value: number) => string): string =>
    value === undefined ? '–' : format(value);
  return [
    {
      id: 'name',
      header: 'Schedule',
      accessorFn: ({ name }) => name,
      cell: ({ row }) => (
        <button type="button" className="link" onClick={() => onChoose(row.original.name)}>
          {row.original.name}
        </button>
      ),
    },
    {
      id: 'bubble',
      header: 'Bubble of total',
      accessorFn: ({ bubble }) => bubble,
      sortUndefined: 'last',
      cell: ({ row }) => <span className="number">{shown(row.original.bubble, formatPercent)}</span>,
    },
    {
      id: 'step',
      header: 'Step time',
      accessorFn: ({ stepTime }) => stepTime,
      sortUndefined: 'last',
      cell: ({ row }) => <span className="number">{shown(row.original.stepTime, formatValue)}</span>,
    },
    {
      id: 'peak',
      header: 'Peak micro-batches until W',
      accessorFn: ({ peak }) => peak,
      sortUndefined: 'last',
      cell: ({ row }) => <span className="number">{shown(row.original.peak, formatValue)}</span>,
    },
    { id: 'reason', header: 'Note', enableSorting: false, cell: ({ row }) => row.original.why },
  ];
}
