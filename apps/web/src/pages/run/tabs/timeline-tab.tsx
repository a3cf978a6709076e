import type { RunBody, TimelineBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { client } from '../../../api/client';
import { formatPercent } from '../../../format/format-number';
import { formatDuration } from '../../../format/format-time';
import { GanttChart } from '../../../gantt/gantt-chart';
import { type GanttGroup, rowsOf, startOf } from '../../../gantt/gantt-model';
import { type StepSummary, summariseStep } from '../../../gantt/step-summary';
import { IconButton } from '../../../ui/button';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { QueryView } from '../../../ui/feedback/query-view';
import { Meter } from '../../../ui/meter';
import { Panel } from '../../../ui/panel';
import { isOver } from '../run-actions';

type TimelineStep = TimelineBody['steps'][number];

const STEPS = 20;
const POLL_MS = 3_000;
const formatUs = (us: number): string => formatDuration(us / 1_000);

/** Shows the last steps as they were executed, and below them the planned timetable. */
export function TimelineTab({ run }: { readonly run: RunBody }): ReactNode {
  const query = useQuery({
    queryKey: ['run', run.id, 'timeline'],
    queryFn: () => client.timeline(run.id, { steps: STEPS }),
    refetchInterval: isOver(run.state) ? false : POLL_MS,
  });
  return <QueryView query={query}>{({ steps }) => <Steps steps={steps} hasEnded={isOver(run.state)} />}</QueryView>;
}

interface StepsProps {
  readonly steps: readonly TimelineStep[];
  readonly hasEnded: boolean;
}

function Steps({ steps, hasEnded }: StepsProps): ReactNode {
  /** The step that the user chose; undefined follows the newest one. */
  const [chosen, setChosen] = useState<number>();
  const found = steps.findIndex(({ step }) => step === chosen);
  const index = chosen === undefined || found === -1 ? steps.length - 1 : found;
  const shown = steps[index];
  if (shown === undefined) {
    return (
      <Panel title="Timeline">
        <EmptyState title="No step has been recorded yet." />
      </Panel>
    );
  }
  const choose = (next: number): void => setChosen(next >= steps.length - 1 ? undefined : steps[next]?.step);
  return (
    <Panel
      title={`Step ${shown.step}`}
      note={chosen !== undefined ? 'held' : hasEnded ? 'the last recorded' : 'the last one recorded; follows the run'}
      actions={
        <>
          <IconButton icon={ChevronLeft} label="Step before" disabled={index === 0} onClick={() => choose(index - 1)} />
          <IconButton
            icon={ChevronRight}
            label="Step after"
            disabled={index === steps.length - 1}
            onClick={() => choose(index + 1)}
          />
        </>
      }
    >
      <StepDrawing step={shown} />
    </Panel>
  );
}

function StepDrawing({ step }: { readonly step: TimelineStep }): ReactNode {
  const groups = useMemo((): GanttGroup[] => {
    // Both drawings share one axis, on which the plan begins at the step's first F.
    const origin = startOf([...step.spans, ...step.planned]);
    const executed = { title: 'executed', rows: rowsOf(step.spans, origin) };
    const planned = { title: 'planned', rows: rowsOf(step.planned, origin) };
    return [executed, planned].filter(({ rows }) => rows.length > 0);
  }, [step]);
  const executed = useMemo(() => summariseStep(step.spans), [step]);
  const planned = useMemo(() => summariseStep(step.planned), [step]);
  const label = `Step ${step.step} took ${formatUs(executed.lengthUs)}, ${formatUs(planned.lengthUs)} was planned; the table below shows where the time went`;
  return (
    <div className="stack">
      <GanttChart label={label} groups={groups} formatTime={formatUs} />
      <SummaryTable executed={executed} planned={planned} />
    </div>
  );
}

function SummaryTable({ executed, planned }: { executed: StepSummary; planned: StepSummary }): ReactNode {
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="Where the step's time went">
      <table>
        <thead>
          <tr>
            <th scope="col">Rank</th>
            <th scope="col">At work</th>
            <th scope="col">Planned</th>
            <th scope="col">Compute</th>
            <th scope="col">Waits</th>
            <th scope="col">Transfers, beside</th>
          </tr>
        </thead>
        <tbody>
          {executed.ranks.map(({ rank, computeUs, waitUs, transferUs, computeRatio }) => {
            const plan = planned.ranks.find((one) => one.rank === rank);
            return (
              <tr key={rank}>
                <td>{rank}</td>
                <td>
                  <Meter label={`Rank ${rank} at work`} ratio={computeRatio} />
                </td>
                <td className="number">{plan === undefined ? '–' : formatPercent(plan.computeRatio)}</td>
                <td className="number">{formatUs(computeUs)}</td>
                <td className="number">{formatUs(waitUs)}</td>
                <td className="number">{formatUs(transferUs)}</td>
              </tr>
            );
          })}
          <tr>
            <th scope="row">step</th>
            <td className="number">{formatUs(executed.lengthUs)}</td>
            <td className="number">{planned.ranks.length === 0 ? '–' : formatUs(planned.lengthUs)}</td>
            <td colSpan={3} />
          </tr>
        </tbody>
      </table>
    </div>
  );
}
