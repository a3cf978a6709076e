import type { AgentBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import { Hand, Undo2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { formatMeasured } from '../../format/format-number';
import { useLive, usePollMs } from '../../live/live-provider';
import { Button } from '../../ui/button';
import { CliCommand, CopyableId } from '../../ui/copyable';
import { ConfirmDialog } from '../../ui/feedback/confirm-dialog';
import { QueryView } from '../../ui/feedback/query-view';
import { useAction } from '../../ui/feedback/use-action';
import { Notice } from '../../ui/feedback/notice';
import { PageHeader } from '../../ui/page-header';
import { StateBadge } from '../../ui/state-badge';
import { StatRow, StatTile } from '../../ui/stat-tile';
import { TimeAgo } from '../../ui/time-ago';
import { adapterName } from './adapter-name';
import { AdapterPanel } from './adapter-panel';
import { TelemetryCharts } from './telemetry-charts';

const route = getRouteApi('/agents/$agentId');

export function AgentPage(): ReactNode {
  const { agentId } = route.useParams();
  useLive([`agent:${agentId}`]);
  const pollMs = usePollMs();
  const query = useQuery({
    queryKey: ['agent', agentId],
    queryFn: () => client.agent(agentId),
    refetchInterval: pollMs,
  });
  return <QueryView query={query}>{(agent) => <LoadedAgent agent={agent} />}</QueryView>;
}

function LoadedAgent({ agent }: { readonly agent: AgentBody }): ReactNode {
  return (
    <>
      <PageHeader
        title={`${agent.host}, device ${agent.device}`}
        badge={<StateBadge state={agent.state} />}
        actions={<DrainButton agent={agent} />}
        detail={
          <>
            <CopyableId id={agent.id} />
            <span>{adapterName(agent.adapter)}</span>
            <CliCommand
              command={`millrace ${agent.state === 'draining' || agent.setAside !== null ? 'undrain' : 'drain'} ${agent.id}`}
            />
          </>
        }
      />
      {agent.setAside !== null && (
        <Notice tone="warn">
          The agent is set aside and gets work again <TimeAgo time={agent.setAside.until} />: {agent.setAside.reason}.
        </Notice>
      )}
      {agent.sharesDeviceWith.length > 0 && (
        <Notice tone="warn">
          {agent.sharesDeviceWith.join(', ')} computes on this same GPU: give each agent one of its own with
          <code> --device</code>.
        </Notice>
      )}
      <StatRow>
        <StatTile label="Lease" value={<LeaseValue agent={agent} />} note={leaseNote(agent)} />
        <StatTile
          label="Matrix products"
          value={formatMeasured(agent.benchmark.matmulGflops)}
          note="GFLOP/s, measured"
        />
        <StatTile label="Memory" value={formatMeasured(agent.benchmark.memoryGbps)} note="GB/s, measured" />
        <StatTile
          label="Last heard from"
          value={<TimeAgo time={agent.lastSeenAt} />}
          note={`version ${agent.version}`}
        />
      </StatRow>
      <TelemetryCharts agentId={agent.id} />
      <AdapterPanel agent={agent} />
    </>
  );
}

function LeaseValue({ agent: { lease, generation } }: { readonly agent: AgentBody }): ReactNode {
  if (lease === null) return generation === null ? 'free' : 'a text';
  return (
    <Link to="/runs/$runId" params={{ runId: lease.runId }} search={{ tab: 'overview' }}>
      rank {lease.rank}
    </Link>
  );
}

function leaseNote({ lease, generation }: AgentBody): ReactNode {
  if (lease === null) return generation === null ? 'waits for work' : 'is generated; a run may have the device';
  return (
    <>
      {lease.runId}, fence {lease.fence}, renewed until <TimeAgo time={lease.expiresAt} />
    </>
  );
}

function DrainButton({ agent }: { readonly agent: AgentBody }): ReactNode {
  const mayDrain = useMay('admin');
  const [isAsked, setAsked] = useState(false);
  const isHeldBack = agent.state === 'draining' || agent.setAside !== null;
  const drain = useAction({
    act: (on: boolean) => client.drainAgent(agent.id, on),
    done: (_, on) => (on ? 'The agent gets no new work.' : 'The agent takes work again.'),
    stale: [['agent', agent.id], ['agents'], ['overview']],
  });
  if (!mayDrain) return null;
  if (isHeldBack) {
    return (
      <Button icon={Undo2} isBusy={drain.isPending} onClick={() => drain.mutate(false)}>
        {agent.state === 'draining' ? 'Undrain' : 'Take back'}
      </Button>
    );
  }
  const start = (): void => (agent.lease === null ? drain.mutate(true) : setAsked(true));
  return (
    <>
      <Button icon={Hand} isBusy={drain.isPending} onClick={start}>
        Drain
      </Button>
      {isAsked && (
        <ConfirmDialog
          title={`Drain ${agent.host}, device ${agent.device}?`}
          consequence={
            <p>The run {agent.lease?.runId} takes a checkpoint and goes on elsewhere, or waits for a device.</p>
          }
          verb="Drain"
          onConfirm={() => drain.mutate(true)}
          onClose={() => setAsked(false)}
        />
      )}
    </>
  );
}
