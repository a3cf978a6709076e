import type { CheckpointBody, RunBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ColumnDef } from '@tanstack/react-table';
import { Download } from 'lucide-react';
import type { ReactNode } from 'react';
import { client } from '../../../api/client';
import { formatBytes } from '../../../format/format-number';
import { usePollMs } from '../../../live/live-provider';
import { CopyableId } from '../../../ui/copyable';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { QueryView } from '../../../ui/feedback/query-view';
import { Panel } from '../../../ui/panel';
import { StateBadge } from '../../../ui/state-badge';
import { DataTable } from '../../../ui/table/data-table';
import { TimeAgo } from '../../../ui/time-ago';

const COLUMNS: readonly ColumnDef<CheckpointBody>[] = [
  { id: 'step', header: 'Step', accessorFn: ({ step }) => step },
  { id: 'state', header: 'State', enableSorting: false, cell: ({ row }) => <StateBadge state={row.original.state} /> },
  {
    id: 'bytes',
    header: 'Size',
    accessorFn: ({ bytes }) => bytes,
    cell: ({ row }) => formatBytes(row.original.bytes),
  },
  {
    id: 'created',
    header: 'Taken',
    accessorFn: ({ createdAt }) => createdAt,
    cell: ({ row }) => <TimeAgo time={row.original.createdAt} />,
  },
  { id: 'id', header: 'Id', enableSorting: false, cell: ({ row }) => <CopyableId id={row.original.id} /> },
  { id: 'actions', header: 'Use', enableSorting: false, cell: ({ row }) => <Actions checkpoint={row.original} /> },
];

function Actions({ checkpoint: { id, runId, step } }: { readonly checkpoint: CheckpointBody }): ReactNode {
  return (
    <span className="row-actions">
      <a
        className="button"
        href={`/api/v1/checkpoints/${id}/model.safetensors`}
        download={`${runId ?? id}-step-${step}.safetensors`}
        aria-label={`Download the safetensors of step ${step}`}
      >
        <Download size={15} aria-hidden /> safetensors
      </a>
      <Link className="button" to="/playground" search={{ run: runId ?? undefined, checkpoint: id }}>
        Generate
      </Link>
    </span>
  );
}

export function CheckpointsTab({ run }: { readonly run: RunBody }): ReactNode {
  const pollMs = usePollMs();
  const query = useQuery({
    queryKey: ['run', run.id, 'checkpoints'],
    queryFn: () => allPages((page) => client.checkpoints(run.id, page)),
    refetchInterval: pollMs,
  });
  return (
    <Panel title="Checkpoints" isFlush note="only durable ones; safetensors files have Hugging Face names">
      <QueryView query={query}>
        {(checkpoints) => (
          <DataTable
            label="Checkpoints"
            rows={checkpoints}
            columns={COLUMNS}
            rowId={({ id }) => id}
            initialSorting={[{ id: 'step', desc: true }]}
            empty={<EmptyState title="No checkpoint is durable yet." command={`millrace checkpoints ${run.id}`} />}
          />
        )}
      </QueryView>
    </Panel>
  );
}
