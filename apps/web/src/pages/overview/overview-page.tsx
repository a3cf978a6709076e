import type { OverviewBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { client } from '../../api/client';
import { formatCompact } from '../../format/format-number';
import { reasonText } from '../../format/reason-text';
import { usePollMs } from '../../live/live-provider';
import { EmptyState } from '../../ui/feedback/empty-state';
import { QueryView } from '../../ui/feedback/query-view';
import { Meter } from '../../ui/meter';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { StatRow, StatTile } from '../../ui/stat-tile';
import { StateBadge } from '../../ui/state-badge';
import { TimeAgo } from '../../ui/time-ago';
import { RunningRuns } from './running-runs';

const POLL_MS = 5_000;

/** Shows agents, devices and runs, what they do, what waits and what failed. */
export function OverviewPage(): ReactNode {
  const pollMs = usePollMs();
  const query = useQuery({
    queryKey: ['overview'],
    queryFn: () => client.overview(),
    // Throughput changes without an event, so that it is asked for regularly.
    refetchInterval: Math.min(pollMs, POLL_MS),
  });
  return (
    <>
      <PageHeader title="Overview" />
      <QueryView query={query}>
        {(overview) => (
          <>
            <Capacity overview={overview} />
            <RunningRuns />
            <div className="columns">
              <Queue queue={overview.queue} />
              <Failures failures={overview.recentFailures} />
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function Capacity({ overview: { agents, runs, tokensPerSecond } }: { readonly overview: OverviewBody }): ReactNode {
  const away = [
    agents.draining > 0 ? `${agents.draining} draining` : '',
    agents.gone > 0 ? `${agents.gone} gone` : '',
  ].filter(Boolean);
  const leased = agents.devices === 0 ? 0 : agents.leased / agents.devices;
  return (
    <StatRow>
      <StatTile label="Agents connected" value={agents.connected} note={away.join(', ') || 'none draining or gone'} />
      <StatTile
        label="Devices leased"
        value={`${agents.leased} of ${agents.devices}`}
        note={<Meter label="Devices leased" ratio={leased} />}
      />
      <StatTile label="Running" value={runs.running ?? 0} note={`${runs.recovering ?? 0} recovering`} />
      <StatTile label="Queued" value={runs.queued ?? 0} note={`${runs.paused ?? 0} paused`} />
      <StatTile label="Tokens per second" value={formatCompact(tokensPerSecond)} note="all running runs together" />
    </StatRow>
  );
}

function Queue({ queue }: { readonly queue: OverviewBody['queue'] }): ReactNode {
  return (
    <Panel title="Queue" isFlush note={queue.length === 0 ? undefined : `${queue.length} waiting`}>
      {queue.length === 0 ? (
        <EmptyState title="Nothing waits for a device." />
      ) : (
        <ol className="list">
          {queue.map(({ id, name, position, reason }) => (
            <li key={id}>
              <span className="quiet number">{position}</span>
              <RunLink id={id} name={name} />
              <span className="list-text quiet">{reasonText(reason)}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function Failures({ failures }: { readonly failures: OverviewBody['recentFailures'] }): ReactNode {
  return (
    <Panel title="Recent failures" isFlush>
      {failures.length === 0 ? (
        <EmptyState title="No run has failed recently." />
      ) : (
        <ul className="list">
          {failures.map(({ id, name, state, reason, endedAt }) => (
            <li key={id}>
              <StateBadge state={state} />
              <RunLink id={id} name={name} />
              <span className="quiet">
                <TimeAgo time={endedAt} />
              </span>
              <span className="list-text quiet">{reasonText(reason)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function RunLink({ id, name }: { readonly id: string; readonly name: string }): ReactNode {
  return (
    <Link to="/runs/$runId" params={{ runId: id }} search={{ tab: 'overview' }}>
      {name}
    </Link>
  );
}
