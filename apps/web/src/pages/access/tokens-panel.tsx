import type { CreatedToken, TokenBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import type { ColumnDef } from '@tanstack/react-table';
import { type ReactNode, useMemo, useState } from 'react';
import { client } from '../../api/client';
import { Button } from '../../ui/button';
import { CopyButton } from '../../ui/copyable';
import { ConfirmDialog } from '../../ui/feedback/confirm-dialog';
import { EmptyState } from '../../ui/feedback/empty-state';
import { Notice } from '../../ui/feedback/notice';
import { QueryView } from '../../ui/feedback/query-view';
import { useAction } from '../../ui/feedback/use-action';
import { Panel } from '../../ui/panel';
import { DataTable } from '../../ui/table/data-table';
import { TimeAgo } from '../../ui/time-ago';
import { NewTokenForm } from './new-token-form';

const KEY = ['tokens'];

export function TokensPanel(): ReactNode {
  const query = useQuery({ queryKey: KEY, queryFn: () => allPages((page) => client.accounts.tokens(page)) });
  const [made, setMade] = useState<CreatedToken>();
  const [asked, setAsked] = useState<TokenBody>();
  const revoke = useAction({
    act: ({ id }: TokenBody) => client.accounts.revokeToken(id),
    done: (_, { name }) => `${name} was revoked.`,
    stale: [KEY],
  });
  const columns = useMemo(() => columnsOf(setAsked), []);
  return (
    <>
      <NewTokenForm staleKey={KEY} onMade={setMade} />
      {made !== undefined && (
        <Notice tone="info">
          <p>
            <b>{made.name}</b> is shown only once. Keep it where only its owner can read it.
          </p>
          <span className="cli">
            <code>{made.token}</code>
            <CopyButton text={made.token} label="Copy the token" />
          </span>
        </Notice>
      )}
      <Panel title="Tokens" isFlush note="stored as hashes">
        <QueryView query={query}>
          {(tokens) => (
            <DataTable
              label="Tokens"
              rows={tokens}
              columns={columns}
              rowId={({ id }) => id}
              initialSorting={[{ id: 'created', desc: true }]}
              empty={<EmptyState title="There are no tokens." />}
            />
          )}
        </QueryView>
      </Panel>
      {asked !== undefined && (
        <ConfirmDialog
          title={`Revoke ${asked.name}?`}
          consequence={<p>The API will refuse whoever uses this token, and end its sessions. This cannot be undone.</p>}
          verb="Revoke"
          onConfirm={() => revoke.mutate(asked)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

function columnsOf(ask: (token: TokenBody) => void): ColumnDef<TokenBody>[] {
  return [
    { id: 'name', header: 'Name', accessorFn: ({ name }) => name },
    { id: 'owner', header: 'Of', accessorFn: ({ user, agentId }) => user?.name ?? agentId ?? '' },
    {
      id: 'scope',
      header: 'Scope',
      accessorFn: ({ scope }) => (scope.includes('*') ? 'everything' : scope.join(', ')),
    },
    {
      id: 'created',
      header: 'Made',
      accessorFn: ({ createdAt }) => createdAt,
      cell: ({ row }) => <TimeAgo time={row.original.createdAt} />,
    },
    {
      id: 'expires',
      header: 'Expires',
      accessorFn: ({ expiresAt }) => expiresAt ?? '9999',
      cell: ({ row }) => <TimeAgo time={row.original.expiresAt} />,
    },
    {
      id: 'actions',
      header: 'Change',
      enableSorting: false,
      cell: ({ row }) => (
        <Button variant="danger" aria-label={`Revoke ${row.original.name}`} onClick={() => ask(row.original)}>
          Revoke
        </Button>
      ),
    },
  ];
}
