import type { AgentBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ColumnDef } from '@tanstack/react-table';
import type { ReactNode } from 'react';
import { client } from '../../api/client';
import { formatMeasured } from '../../format/format-number';
import { usePollMs } from '../../live/live-provider';
import { CliCommand } from '../../ui/copyable';
import { EmptyState } from '../../ui/feedback/empty-state';
import { QueryView } from '../../ui/feedback/query-view';
import { Meter } from '../../ui/meter';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { StateBadge } from '../../ui/state-badge';
import { DataTable } from '../../ui/table/data-table';
import { TimeAgo } from '../../ui/time-ago';
import { adapterName } from './adapter-name';
import { JoinPanel } from './join-panel';

const COLUMNS: readonly ColumnDef<AgentBody>[] = [
  {
    id: 'host',
    header: 'Host',
    accessorFn: ({ host, device }) => `${host} ${device}`,
    cell: ({ row: { original } }) => (
      <Link to="/agents/$agentId" params={{ agentId: original.id }} title={original.id}>
        {original.host} · {original.device}
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    accessorFn: ({ state }) => state,
    cell: ({ row: { original } }) => (
      <span title={original.setAside?.reason}>
        <StateBadge state={original.state} />
      </span>
    ),
  },
  {
    id: 'device',
    header: 'Device',
    accessorFn: ({ adapter }) => adapterName(adapter),
    cell: ({ row: { original } }) => (
      <>
        {adapterName(original.adapter)}
        <SharedDevice agents={original.sharesDeviceWith} />
      </>
    ),
  },
  {
    id: 'lease',
    header: 'Works on',
    accessorFn: ({ lease }) => lease?.runId ?? '',
    cell: ({ row }) => <Lease agent={row.original} />,
  },
  {
    id: 'busy',
    header: 'Busy',
    accessorFn: ({ telemetry }) => telemetry?.utilizationPercent ?? -1,
    cell: ({ row: { original } }) => {
      const percent = original.telemetry?.utilizationPercent ?? null;
      return <Meter label={`Utilisation of ${original.host}`} ratio={percent === null ? null : percent / 100} />;
    },
  },
  {
    id: 'gflops',
    header: 'GFLOP/s',
    accessorFn: ({ benchmark }) => benchmark.matmulGflops,
    cell: ({ row }) => <span className="number">{formatMeasured(row.original.benchmark.matmulGflops)}</span>,
  },
  {
    id: 'memory',
    header: 'Memory GB/s',
    accessorFn: ({ benchmark }) => benchmark.memoryGbps,
    cell: ({ row }) => <span className="number">{formatMeasured(row.original.benchmark.memoryGbps)}</span>,
  },
  {
    id: 'seen',
    header: 'Last heard from',
    accessorFn: ({ lastSeenAt }) => lastSeenAt,
    cell: ({ row }) => <TimeAgo time={row.original.lastSeenAt} />,
  },
];

/** Warns that two agents share a GPU, because its memory and speed are then counted twice. */
function SharedDevice({ agents }: { readonly agents: readonly string[] }): ReactNode {
  if (agents.length === 0) return null;
  return <div className="quiet">Warning: {agents.join(', ')} computes on this same GPU.</div>;
}

function Lease({ agent: { lease, generation } }: { readonly agent: AgentBody }): ReactNode {
  if (lease === null) return <span className="quiet">{generation === null ? 'free' : 'generates text'}</span>;
  return (
    <Link to="/runs/$runId" params={{ runId: lease.runId }} search={{ tab: 'overview' }}>
      rank {lease.rank} of {lease.runId}
    </Link>
  );
}

export function AgentsPage(): ReactNode {
  const pollMs = usePollMs();
  const query = useQuery({
    queryKey: ['agents'],
    queryFn: () => allPages((page) => client.agents(page)),
    refetchInterval: pollMs,
  });
  return (
    <>
      <PageHeader title="Agents" detail={<CliCommand command="millrace agents" />} />
      <Panel title="All agents" isFlush note="one for each device">
        <QueryView query={query}>
          {(agents) => (
            <DataTable
              label="Agents"
              rows={agents}
              columns={COLUMNS}
              rowId={({ id }) => id}
              initialSorting={[{ id: 'host', desc: false }]}
              empty={<EmptyState title="No agent has joined yet." command="millrace up --agents 2" />}
            />
          )}
        </QueryView>
      </Panel>
      <JoinPanel />
    </>
  );
}
