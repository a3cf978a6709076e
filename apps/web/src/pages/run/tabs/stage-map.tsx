import type { AgentBody, RunBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeftRight } from 'lucide-react';
import { Fragment, type ReactNode } from 'react';
import { client } from '../../../api/client';
import { formatBytes } from '../../../format/format-number';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { Panel } from '../../../ui/panel';
import { StateBadge } from '../../../ui/state-badge';
import { adapterName } from '../../agents/adapter-name';
import { stageTraffic } from './stage-traffic';

/** The newest attempt's stages in the order of the pipeline, on their devices, with what crosses between them. */
export function StageMap({ run }: { readonly run: RunBody }): ReactNode {
  const { data: agents = [] } = useQuery({
    queryKey: ['agents'],
    queryFn: () => allPages((cursor) => client.agents({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) })),
  });
  const attempt = run.attempts.at(-1);
  const traffic = stageTraffic(run.spec);
  if (attempt === undefined) {
    return (
      <Panel title="Stages">
        <EmptyState title="The run has not been given devices yet." />
      </Panel>
    );
  }
  const stages = [...attempt.stages].sort((a, b) => a.firstLayer - b.firstLayer || a.rank - b.rank);
  return (
    <Panel
      title="Stages on their devices"
      note={
        stages.length > 1 &&
        `each link carries ${formatBytes(traffic.bytesPerStep)} a step each way, in tensors of ${formatBytes(traffic.tensorBytes)}`
      }
    >
      <div className="stages">
        {stages.map((stage, index) => (
          <Fragment key={`${stage.rank}-${stage.firstLayer}`}>
            {index > 0 && <Traffic bytesPerStep={traffic.bytesPerStep} />}
            <Stage stage={stage} agent={agents.find(({ id }) => id === stage.agent)} layers={run.spec.model.layers} />
          </Fragment>
        ))}
      </div>
    </Panel>
  );
}

function Traffic({ bytesPerStep }: { readonly bytesPerStep: number }): ReactNode {
  return (
    <div className="traffic">
      <ArrowLeftRight size={18} aria-hidden />
      <span>{formatBytes(bytesPerStep)}</span>
      <span className="hidden">of activations forward and of gradients back, per step</span>
    </div>
  );
}

interface StageProps {
  readonly stage: RunBody['attempts'][number]['stages'][number];
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
