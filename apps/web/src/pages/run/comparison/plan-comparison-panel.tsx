import type { PlanComparisonBody } from '@millrace/contracts';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatDuration } from '../../../format/format-time';
import { Notice } from '../../../ui/feedback/notice';
import { Panel } from '../../../ui/panel';
import { StatRow, StatTile } from '../../../ui/stat-tile';
import { deviationText, totalMs, verdictText } from './comparison-text';

const ACTIONS = ['F', 'I', 'W'] as const;

/** Shows what the planner predicted beside what the first steps took; nothing until they have been compared. */
export function PlanComparisonPanel({ comparison }: { readonly comparison: PlanComparisonBody | null }): ReactNode {
  if (comparison === null) return null;
  const { step, predictedStepTimeMs, measuredStepTimeMs, simulatedStepTimeMs, isClearlyWrong } = comparison;
  return (
    <Panel
      title="Plan and measurement"
      note={`after step ${step}, with layers ${comparison.layersPerStage.join(', ')}; stages: predicted → measured`}
    >
      <div className="stack">
        <StatRow>
          <StatTile label="Step time, predicted" value={formatDuration(predictedStepTimeMs)} />
          <StatTile
            label="Step time, measured"
            value={formatDuration(measuredStepTimeMs)}
            note={deviationText(measuredStepTimeMs / predictedStepTimeMs)}
          />
          <StatTile
            label="With the measured stages"
            value={formatDuration(simulatedStepTimeMs)}
            note="by the simulation; the rest are waits"
          />
        </StatRow>
        <StageTimes comparison={comparison} />
        <Notice tone={isClearlyWrong ? 'warn' : 'info'}>{verdictText(comparison)}</Notice>
      </div>
    </Panel>
  );
}

/** The times of each action of one micro-batch, predicted and measured. */
function StageTimes({ comparison: { stages } }: { readonly comparison: PlanComparisonBody }): ReactNode {
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="Times of the stages, predicted and measured">
      <table>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Agent</th>
            <th scope="col">Micro-batch</th>
            <th scope="col">Measured is</th>
            {ACTIONS.map((action) => (
              <th key={action} scope="col">
                {action}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {stages.map(({ stage, rank, agent, predicted, measured, ratio }) => (
            <tr key={stage}>
              <th scope="row">
                {stage} <span className="quiet">at rank {rank}</span>
              </th>
              <td>
                <Link to="/agents/$agentId" params={{ agentId: agent }}>
                  {agent}
                </Link>
              </td>
              <td className="number">{changeText(totalMs(predicted), totalMs(measured))}</td>
              <td className="number">{deviationText(ratio)}</td>
              {ACTIONS.map((action) => (
                <td key={action} className="number">
                  {changeText(predicted[action], measured[action])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Example: 160 ms → 105 ms */
function changeText(predictedMs: number, measuredMs: number): string {
  return `${formatDuration(predictedMs)} → ${formatDuration(measuredMs)}`;
}
