import type { BriefRunBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { client } from '../../api/client';
import { LineChart } from '../../charts/line-chart';
import { usePollMs } from '../../live/live-provider';
import { EmptyState } from '../../ui/feedback/empty-state';
import { QueryView } from '../../ui/feedback/query-view';
import { Meter } from '../../ui/meter';
import { Panel } from '../../ui/panel';
import { StateBadge } from '../../ui/state-badge';

const SHOWN_COUNT = 6;
const CHART_POLL_MS = 5_000;
const CHART_POINTS = 120;

/** Lists every run that has begun and is not over, each with its loss. */
export function RunningRuns(): ReactNode {
  const pollMs = usePollMs();
  const query = useQuery({
    queryKey: ['runs', 'running'],
    queryFn: async () => {
      const states = ['running', 'recovering', 'starting', 'scheduled', 'pausing', 'stopping'] as const;
      const pages = await Promise.all(states.map((state) => client.briefRuns({ limit: SHOWN_COUNT, state })));
      return pages.flatMap(({ items }) => items).slice(0, SHOWN_COUNT);
    },
    refetchInterval: Math.min(pollMs, CHART_POLL_MS),
  });
  return (
    <Panel title="Running">
      <QueryView query={query}>
        {(runs) =>
          runs.length === 0 ? (
            <EmptyState title="No run is training." command="millrace submit examples/moby-gpt.yaml --watch" />
          ) : (
            <div className="run-cards">
              {runs.map((run) => (
                <RunCard key={run.id} run={run} />
              ))}
            </div>
          )
        }
      </QueryView>
    </Panel>
  );
}

function RunCard({ run }: { readonly run: BriefRunBody }): ReactNode {
  const { data } = useQuery({
    queryKey: ['run', run.id, 'series', 'card'],
    queryFn: () => client.series(run.id, { names: ['train/loss'], points: CHART_POINTS }),
    refetchInterval: CHART_POLL_MS,
  });
  const points = data?.series[0]?.points ?? [];
  return (
    <article className="run-card">
      <header>
        <h3>
          <Link to="/runs/$runId" params={{ runId: run.id }} search={{ tab: 'overview' }}>
            {run.name}
          </Link>
        </h3>
        <StateBadge state={run.state} />
      </header>
      {run.reason !== null && <p className="quiet">{run.reason.message}</p>}
      <Meter label={`Progress of ${run.name}`} ratio={run.step / run.steps} text={`${run.step} / ${run.steps}`} />
      <LineChart
        label={`Training loss of ${run.name} over ${points.length} points`}
        series={[{ label: 'training loss', points: points.map(({ step, value }) => ({ x: step, y: value })) }]}
        heightPx={130}
      />
    </article>
  );
}
