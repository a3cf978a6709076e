import type { AgentBody, RunBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, ArrowRight } from 'lucide-react';
import { Fragment, type ReactNode, useMemo } from 'react';
import { client } from '../../../api/client';
import { formatBytes } from '../../../format/format-number';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { Panel } from '../../../ui/panel';
import { StateBadge } from '../../../ui/state-badge';
import { adapterName } from '../../agents/adapter-name';
import { isOver } from '../run-actions';
import { type LinkRow, linkRows, stagesInOrder, activationBytes } from './link-rows';
import { LinkTable, rateText } from './link-table';

const POLL_MS = 5_000;

type Attempt = RunBody['attempts'][number];

/** Shows the newest attempt's stages in the order of the pipeline, with their devices and the traffic between them. */
export function StageMap({ run }: { readonly run: RunBody }): ReactNode {
  const attempt = run.attempts.at(-1);
  if (attempt === undefined) {
    return (
      <Panel title="Stages">
        <EmptyState title="The run has not been given devices yet." />
      </Panel>
    );
  }
  return <Stages run={run} attempt={attempt} />;
}

function Stages({ run, attempt }: { readonly run: RunBody; readonly attempt: Attempt }): ReactNode {
  const { data: agents = [] } = useQuery({
    queryKey: ['agents'],
    queryFn: () => allPages((page) => client.agents(page)),
  });
  const links = useLinks(run, attempt);
  const stages = stagesInOrder(attempt);
  return (
    <Panel
      title="Stages on their devices"
      note={
        links.length > 0 &&
        `a tensor of each micro-batch crosses each way, of ${formatBytes(activationBytes(run.spec))}`
      }
    >
      <div className="stack">
        <div className="stages">
          {stages.map((stage, index) => (
            <Fragment key={`${stage.rank}-${stage.firstLayer}`}>
              {index > 0 && <Traffic from={stages[index - 1]!.rank} to={stage.rank} links={links} />}
              <Stage stage={stage} agent={agents.find(({ id }) => id === stage.agent)} layers={run.spec.model.layers} />
            </Fragment>
          ))}
        </div>
        {links.length > 0 && <LinkTable rows={links} />}
      </div>
    </Panel>
  );
}

/** The traffic that the ranks of this attempt counted; undefined if another attempt was traced last. */
function useLinks(run: RunBody, attempt: Attempt): readonly LinkRow[] {
  const { data } = useQuery({
    queryKey: ['run', run.id, 'links'],
    queryFn: () => client.timeline(run.id, { steps: 1 }),
    enabled: attempt.stages.length > 1,
    refetchInterval: isOver(run.state) ? false : POLL_MS,
  });
  const { spec } = run;
  const measured = data?.fence === attempt.fence ? data.links : undefined;
  return useMemo(() => linkRows(spec, attempt, measured ?? []), [spec, attempt, measured]);
}

interface TrafficProps {
  readonly from: number;
  readonly to: number;
  readonly links: readonly LinkRow[];
}

/** The traffic between two neighbours, forward and back, with what was measured if there is any. */
function Traffic({ from, to, links }: TrafficProps): ReactNode {
  if (from === to) return <div className="traffic">same device</div>;
  const text = (fromRank: number, toRank: number): string => {
    const link = links.find((row) => row.fromRank === fromRank && row.toRank === toRank);
    if (link?.measured !== undefined) return rateText(link.measured.bytesPerSecond);
    return `${formatBytes(link?.computedBytes ?? 0)} per step`;
  };
  return (
    <div className="traffic">
      <span>
        <span className="hidden">forward </span>
        {text(from, to)} <ArrowRight size={15} aria-hidden />
      </span>
      <span>
        <ArrowLeft size={15} aria-hidden /> <span className="hidden">back </span>
        {text(to, from)}
      </span>
    </div>
  );
}

interface StageProps {
  readonly stage: Attempt['stages'][number];
  readonly agent: AgentBody | undefined;
  readonly layers: number;
}

function Stage({ stage, agent, layers }: StageProps): ReactNode {
  const last = stage.firstLayer + stage.layerCount;
  const parts = [
    stage.firstLayer === 0 ? 'embedding' : '',
    stage.layerCount === 0 ? '' : `layers ${stage.firstLayer} to ${last - 1}`,
    last === layers ? 'head' : '',
  ].filter(Boolean);
  return (
    <article className="stage">
      <h3>rank {stage.rank}</h3>
      <p>{parts.join(', ')}</p>
      <p>
        <Link to="/agents/$agentId" params={{ agentId: stage.agent }}>
          {agent === undefined ? stage.agent : `${agent.host} device ${agent.device}`}
        </Link>
      </p>
      {agent && <p className="quiet">{adapterName(agent.adapter)}</p>}
      {agent && <StateBadge state={agent.state} />}
    </article>
  );
}
