import type { RunBody } from '@millrace/contracts';
import type { ReactNode } from 'react';
import { formatDuration } from '../../../format/format-time';
import { LinkedText } from '../../../ui/linked-text';
import { Panel } from '../../../ui/panel';
import { StateBadge } from '../../../ui/state-badge';
import { TimeAgo } from '../../../ui/time-ago';
import { RunCharts } from '../charts/run-charts';
import { comparisonSummary } from '../comparison/comparison-text';
import { PlanComparisonPanel } from '../comparison/plan-comparison-panel';
import { StageMap } from '../stages/stage-map';

export function OverviewTab({ run }: { readonly run: RunBody }): ReactNode {
  return (
    <>
      <RunCharts run={run} />
      <StageMap run={run} />
      <PlanComparisonPanel comparison={run.planComparison} />
      <Attempts run={run} />
    </>
  );
}

function Attempts({ run }: { readonly run: RunBody }): ReactNode {
  if (run.attempts.length === 0) return null;
  const retries = `${run.spec.retries} retries allowed after real failures`;
  const { stepDeadlineMs } = run;
  const note = stepDeadlineMs === null ? retries : `${retries}; a step may take ${formatDuration(stepDeadlineMs)}`;
  return (
    <Panel title="Attempts" isFlush note={note}>
      <ul className="list">
        {[...run.attempts.entries()].reverse().map(([index, attempt]) => (
          <li key={attempt.id}>
            <StateBadge state={attempt.state} />
            <span title={`fence ${attempt.fence}`}>attempt {index + 1}</span>
            <span className="quiet">from step {attempt.fromStep}</span>
            <span className="quiet">
              <TimeAgo time={attempt.startedAt ?? attempt.createdAt} />
              {lengthText(attempt)}
            </span>
            <span className="list-text">
              {attempt.planComparison && <span className="quiet">{comparisonSummary(attempt.planComparison)} </span>}
              {attempt.failure && (
                <>
                  <code>{attempt.failure.class}</code> <LinkedText text={failureText(attempt.failure)} />
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The failure's message; names the rank that caused it, if the message does not. */
function failureText({ message, culprit }: NonNullable<RunBody['attempts'][number]['failure']>): string {
  if (culprit === undefined || message.includes(culprit.agent)) return message;
  return `${message} (rank ${culprit.rank} on ${culprit.agent})`;
}

function lengthText({ startedAt, finishedAt }: RunBody['attempts'][number]): string {
  if (startedAt === null || finishedAt === null) return '';
  return `, ran ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
}
