import type { PlanBody, RunSpec } from '@millrace/contracts';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { client } from '../../../api/client';
import { formatBytes, formatCompact, formatPercent } from '../../../format/format-number';
import { formatDuration } from '../../../format/format-time';
import { errorText } from '../../../ui/feedback/error-text';
import { Notice } from '../../../ui/feedback/notice';
import { Panel } from '../../../ui/panel';
import { StatRow, StatTile } from '../../../ui/stat-tile';
import { PlanDrawing } from './plan-drawing';
import { PlanStages } from './plan-stages';

const SETTLE_MS = 450;

interface PlanPanelProps {
  /** The spec as text; undefined while something is wrong with it. */
  readonly text: string | undefined;
  readonly spec: RunSpec | undefined;
  /** Whether the user may ask for a dry run. A viewer may not; the order of a step is drawn all the same. */
  readonly mayAsk: boolean;
}

/** Shows by a dry run how the run would be split and placed now. */
export function PlanPanel({ text, spec, mayAsk }: PlanPanelProps): ReactNode {
  const settled = useSettled(text);
  const query = useQuery({
    queryKey: ['plan', settled ?? ''],
    queryFn: () => client.planRun(settled ?? ''),
    enabled: mayAsk && settled !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
    refetchOnWindowFocus: false,
  });
  if (query.isError) return <Notice tone="warn">{errorText(query.error)}</Notice>;
  const plan = query.data;
  if (!mayAsk) {
    return (
      <Panel title="Order of a step" note="in units of one action; only members can plan devices and times">
        {spec ? <PlanDrawing spec={spec} /> : <p className="quiet">The order is drawn once the spec has no errors.</p>}
      </Panel>
    );
  }
  return (
    <Panel
      title="Plan"
      note={text === undefined ? 'for the last spec without errors' : 'a dry run: nothing is started'}
    >
      {plan === undefined ? (
        <p className="quiet">{text === undefined ? 'The plan is drawn once the spec has no errors.' : 'Planning…'}</p>
      ) : (
        <div className="stack">
          {plan.pending && <Notice tone="info">The run would wait: {plan.pending.message}</Notice>}
          {plan.notes.map((note) => (
            <Notice key={note} tone="info">
              {note}
            </Notice>
          ))}
          <Prediction plan={plan} />
          <PlanStages plan={plan} />
          {spec && <PlanDrawing spec={spec} />}
          <Explanation plan={plan} />
        </div>
      )}
    </Panel>
  );
}

function Prediction({ plan: { predicted, stages, schedule } }: { readonly plan: PlanBody }): ReactNode {
  const parameters = stages.reduce((sum, stage) => sum + stage.parameters, 0);
  const peak = Math.max(0, ...stages.map(({ memoryBytes }) => memoryBytes));
  return (
    <StatRow>
      <StatTile
        label="Predicted step time"
        value={predicted.stepTimeMs === null ? 'unknown' : formatDuration(predicted.stepTimeMs)}
        note={predicted.stepTimeMs === null ? 'no device is known' : undefined}
      />
      <StatTile label="Bubble" value={formatPercent(predicted.bubbleOfTotal)} note="of all device time" />
      <StatTile
        label="Stages"
        value={stages.length}
        note={`${schedule.name}, ${schedule.microBatches} micro-batches`}
      />
      <StatTile label="Parameters" value={formatCompact(parameters)} />
      <StatTile label="Largest stage" value={formatBytes(peak)} note="of device memory" />
    </StatRow>
  );
}

function Explanation({ plan }: { readonly plan: PlanBody }): ReactNode {
  if (plan.explanation === null) return null;
  return (
    <details>
      <summary>Why this plan, and not another</summary>
      <pre className="document" tabIndex={0} role="region" aria-label="Explanation of the plan">
        {plan.explanation}
      </pre>
    </details>
  );
}

/** Follows the value with a delay: it changes once the value has not changed for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}
