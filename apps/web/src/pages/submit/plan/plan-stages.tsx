import type { PlanBody } from '@millrace/contracts';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatBytes, formatCompact } from '../../../format/format-number';

/** Shows which layers go to which device, and what they need there. */
export function PlanStages({ plan }: { readonly plan: PlanBody }): ReactNode {
  const { peakMicroBatches } = plan.predicted;
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="Stages of the plan">
      <table>
        <thead>
          <tr>
            <th scope="col">Rank</th>
            <th scope="col">Device</th>
            <th scope="col">Holds</th>
            <th scope="col">Parameters</th>
            <th scope="col">Memory</th>
            <th scope="col">Micro-batches in flight</th>
          </tr>
        </thead>
        <tbody>
          {plan.stages.map((stage, index) => (
            <tr key={`${stage.rank}-${index}`}>
              <td>{stage.rank}</td>
              <td>
                {stage.agent === null ? (
                  <span className="quiet">no free device</span>
                ) : (
                  <Link to="/agents/$agentId" params={{ agentId: stage.agent }}>
                    {stage.agent}
                  </Link>
                )}
              </td>
              <td>{holds(stage)}</td>
              <td className="number">{formatCompact(stage.parameters)}</td>
              <td className="number">{formatBytes(stage.memoryBytes)}</td>
              <td className="number">{peakMicroBatches.untilWeight[stage.rank] ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function holds({ embedding, head, firstLayer, layerCount }: PlanBody['stages'][number]): string {
  const layers = layerCount === 0 ? '' : `layers ${firstLayer} to ${firstLayer + layerCount - 1}`;
  return [embedding ? 'embedding' : '', layers, head ? 'head' : ''].filter(Boolean).join(', ');
}
