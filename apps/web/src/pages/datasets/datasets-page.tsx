import type { DatasetBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ColumnDef } from '@tanstack/react-table';
import type { ReactNode } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { formatBytes, formatCount } from '../../format/format-number';
import { usePollMs } from '../../live/live-provider';
import { CliCommand } from '../../ui/copyable';
import { EmptyState } from '../../ui/feedback/empty-state';
import { QueryView } from '../../ui/feedback/query-view';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { DataTable } from '../../ui/table/data-table';
import { TimeAgo } from '../../ui/time-ago';
import { UploadForm } from './upload-form';

const COLUMNS: readonly ColumnDef<DatasetBody>[] = [
  {
    id: 'name',
    header: 'Name',
    accessorFn: ({ name }) => name,
    cell: ({ row: { original } }) => (
      <Link to="/datasets/$datasetId" params={{ datasetId: original.id }} title={original.id}>
        {original.name}
      </Link>
    ),
  },
  { id: 'tokenizer', header: 'Tokenizer', accessorFn: ({ tokenizer }) => tokenizer },
  {
    id: 'tokens',
    header: 'Tokens',
    accessorFn: ({ tokens }) => tokens,
    cell: ({ row }) => formatCount(row.original.tokens),
  },
  {
    id: 'vocab',
    header: 'Vocabulary',
    accessorFn: ({ vocab }) => vocab,
    cell: ({ row }) => formatCount(row.original.vocab),
  },
  { id: 'bytes', header: 'Size', accessorFn: ({ bytes }) => bytes, cell: ({ row }) => formatBytes(row.original.bytes) },
  {
    id: 'created',
    header: 'Uploaded',
    accessorFn: ({ createdAt }) => createdAt,
    cell: ({ row }) => <TimeAgo time={row.original.createdAt} />,
  },
];

export function DatasetsPage(): ReactNode {
  const pollMs = usePollMs();
  const mayUpload = useMay('member');
  const query = useQuery({
    queryKey: ['datasets'],
    queryFn: () => allPages((page) => client.datasets(page)),
    refetchInterval: pollMs,
  });
  return (
    <>
      <PageHeader title="Datasets" detail={<CliCommand command="millrace datasets" />} />
      {mayUpload && <UploadForm />}
      <Panel title="All datasets" isFlush>
        <QueryView query={query}>
          {(datasets) => (
            <DataTable
              label="Datasets"
              rows={datasets}
              columns={COLUMNS}
              rowId={({ id }) => id}
              initialSorting={[{ id: 'created', desc: true }]}
              empty={
                <EmptyState
                  title="There is no text to train on yet."
                  command="millrace datasets create corpus.txt --tokenizer char"
                />
              }
            />
          )}
        </QueryView>
      </Panel>
    </>
  );
}
