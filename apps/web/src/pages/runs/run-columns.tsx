import type { BriefRunBody } from '@millrace/contracts';
import { Link } from '@tanstack/react-router';
import type { ColumnDef } from '@tanstack/react-table';
import type { ReactNode } from 'react';
import { formatCount } from '../../format/format-number';
import { formatDuration } from '../../format/format-time';
import { reasonText } from '../../format/reason-text';
import { Meter } from '../../ui/meter';
import { StateBadge } from '../../ui/state-badge';
import { TimeAgo } from '../../ui/time-ago';

/** Milliseconds from start to end or, while the run is not over, until now. */
function runtimeMs({ startedAt, finishedAt }: BriefRunBody): number | null {
  if (startedAt === null) return null;
  return (finishedAt === null ? Date.now() : Date.parse(finishedAt)) - Date.parse(startedAt);
}

function Runtime({ ms }: { readonly ms: number | null }): ReactNode {
  return ms === null ? <span className="quiet">not started</span> : formatDuration(ms);
}

export const RUN_COLUMNS: readonly ColumnDef<BriefRunBody>[] = [
  {
    id: 'name',
    header: 'Name',
    accessorFn: ({ name }) => name,
    cell: ({ row: { original: run } }) => (
      <Link to="/runs/$runId" params={{ runId: run.id }} search={{ tab: 'overview' }} title={run.id}>
        {run.name}
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    accessorFn: ({ state }) => state,
    cell: ({ row }) => <StateBadge state={row.original.state} />,
  },
  {
    id: 'progress',
    header: 'Progress',
    accessorFn: ({ step, steps }) => step / steps,
    cell: ({ row: { original: run } }) => (
      <Meter
        label={`Progress of ${run.name}`}
        ratio={run.step / run.steps}
        text={`${formatCount(run.step)} / ${formatCount(run.steps)}`}
      />
    ),
  },
  { id: 'project', header: 'Project', accessorFn: (run) => run.project },
  {
    id: 'split',
    header: 'Split',
    accessorFn: ({ parallel }) => parallel.pp,
    cell: ({ row: { original } }) => `${original.parallel.pp} × ${original.parallel.schedule}`,
  },
  {
    id: 'runtime',
    header: 'Runtime',
    accessorFn: (run) => runtimeMs(run) ?? -1,
    cell: ({ row }) => <Runtime ms={runtimeMs(row.original)} />,
  },
  {
    id: 'created',
    header: 'Submitted',
    accessorFn: ({ createdAt }) => createdAt,
    cell: ({ row }) => <TimeAgo time={row.original.createdAt} />,
  },
  {
    id: 'reason',
    header: 'Why',
    accessorFn: ({ reason }) => reasonText(reason),
    cell: ({ row }) => <span title={reasonText(row.original.reason)}>{reasonText(row.original.reason)}</span>,
  },
];
