import type { AuditEntryBody } from '@millrace/contracts';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ColumnDef } from '@tanstack/react-table';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { formatDateTime } from '../../format/format-time';
import { Button } from '../../ui/button';
import { EmptyState } from '../../ui/feedback/empty-state';
import { errorText } from '../../ui/feedback/error-text';
import { Notice } from '../../ui/feedback/notice';
import { Field } from '../../ui/field';
import { PageHeader } from '../../ui/page-header';
import { LinkedText } from '../../ui/linked-text';
import { Panel } from '../../ui/panel';
import { DataTable } from '../../ui/table/data-table';
import { eventText } from '../run/tabs/event-text';

const PAGE_COUNT = 200;

const COLUMNS: readonly ColumnDef<AuditEntryBody>[] = [
  {
    id: 'time',
    header: 'Time',
    accessorFn: ({ time }) => time,
    cell: ({ row }) => <time dateTime={row.original.time}>{formatDateTime(row.original.time)}</time>,
  },
  { id: 'actor', header: 'Who', accessorFn: ({ actor }) => actor.name },
  {
    id: 'action',
    header: 'Did',
    accessorFn: ({ action }) => action,
    cell: ({ row }) => <code>{row.original.action}</code>,
  },
  {
    id: 'subject',
    header: 'To',
    accessorFn: ({ subject }) => subject,
    cell: ({ row }) => (
      <code>
        <LinkedText text={row.original.subject} />
      </code>
    ),
  },
  {
    id: 'reason',
    header: 'Details',
    enableSorting: false,
    cell: ({ row: { original } }) => <span title={detailsOf(original)}>{detailsOf(original)}</span>,
  },
];

function detailsOf({ action, data }: AuditEntryBody): string {
  return eventText({ type: action, data });
}

/** Lists every change, who made it and when; an entry is written in the same transaction as its change. */
export function AuditPage(): ReactNode {
  const [actor, setActor] = useState('');
  const [action, setAction] = useState('');
  const query = useInfiniteQuery({
    queryKey: ['audit', actor, action],
    queryFn: ({ pageParam }) =>
      client.accounts.audit({
        limit: PAGE_COUNT,
        ...(actor === '' ? {} : { actor }),
        ...(action === '' ? {} : { action }),
        ...(pageParam === '' ? {} : { cursor: pageParam }),
      }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  const rows = query.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      <PageHeader title="Audit" />
      {query.isError && <Notice tone="bad">{errorText(query.error)}</Notice>}
      <Panel
        title="Changes"
        isFlush
        actions={
          <div className="toolbar">
            <Field label="Who">
              {(control) => (
                <input
                  {...control}
                  type="search"
                  placeholder="name or id"
                  value={actor}
                  onChange={({ target }) => setActor(target.value)}
                />
              )}
            </Field>
            <Field label="Action">
              {(control) => (
                <input
                  {...control}
                  type="search"
                  placeholder="run.state"
                  value={action}
                  onChange={({ target }) => setAction(target.value)}
                />
              )}
            </Field>
          </div>
        }
      >
        <DataTable
          label="Audit"
          rows={rows}
          columns={COLUMNS}
          rowId={({ id }) => id}
          empty={<EmptyState title={query.isPending ? 'Loading…' : 'No change fits the filter.'} />}
        />
        {query.hasNextPage && (
          <div className="panel-body">
            <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              Older ones
            </Button>
          </div>
        )}
      </Panel>
    </>
  );
}
