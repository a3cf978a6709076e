import { SCHEDULE_NAMES, toCsv } from '@millrace/pipeline';
import { getRouteApi } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { formatPercent, formatValue } from '../../format/format-number';
import { GanttChart } from '../../gantt/gantt-chart';
import { scheduleRows } from '../../gantt/schedule-rows';
import { Button } from '../../ui/button';
import { CliCommand } from '../../ui/copyable';
import { Notice } from '../../ui/feedback/notice';
import { Field } from '../../ui/field';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { StatRow, StatTile } from '../../ui/stat-tile';
import { CompareTable } from './compare-table';
import { type DrawnSchedule, drawSchedule } from './draw-schedule';
import { type ScheduleSearch, readScheduleSearch } from './schedule-search';

const route = getRouteApi('/schedules');

/** Draws any schedule for any numbers, without asking the API. */
export function SchedulesPage(): ReactNode {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const drawn = useMemo(() => drawSchedule(search), [search]);
  const change = (next: Partial<Record<keyof ScheduleSearch, string | number>>): void =>
    void navigate({ search: readScheduleSearch({ ...search, ...next }), replace: true });
  const chunks = search.v === 0 ? '' : ` --chunks ${search.v}`;
  const command = `millrace schedule ${search.name} --ranks ${search.p} --microbatches ${search.m}${chunks} --times ${search.times}`;
  return (
    <>
      <PageHeader title="Schedules" detail={<CliCommand command={command} />} />
      <Panel title="Numbers">
        <ScheduleForm search={search} onChange={change} />
      </Panel>
      {typeof drawn === 'string' ? <Notice tone="warn">{drawn}</Notice> : <Drawing drawn={drawn} />}
      <CompareTable search={search} onChoose={(name) => change({ name })} />
    </>
  );
}

interface ScheduleFormProps {
  readonly search: ScheduleSearch;
  readonly onChange: (next: Partial<Record<keyof ScheduleSearch, string | number>>) => void;
}

function ScheduleForm({ search, onChange }: ScheduleFormProps): ReactNode {
  const numbers = [
    { key: 'p', label: 'Ranks (p)', least: 1 },
    { key: 'm', label: 'Micro-batches (m)', least: 1 },
    { key: 'v', label: 'Chunks per rank (v)', least: 0 },
  ] as const;
  return (
    <div className="fields">
      <Field label="Schedule">
        {(control) => (
          <select {...control} value={search.name} onChange={({ target }) => onChange({ name: target.value })}>
            {SCHEDULE_NAMES.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
      {numbers.map(({ key, label, least }) => (
        <Field key={key} label={label} hint={key === 'v' ? '0 leaves the number to the schedule' : undefined}>
          {(control) => (
            <input
              {...control}
              type="number"
              min={least}
              value={search[key]}
              onChange={({ target }) => onChange({ [key]: target.value })}
            />
          )}
        </Field>
      ))}
      <Field label="Times of F, I, W" hint="for one rank’s whole share">
        {(control) => (
          <input {...control} value={search.times} onChange={({ target }) => onChange({ times: target.value })} />
        )}
      </Field>
    </div>
  );
}

function Drawing({ drawn: { schedule, simulation } }: { readonly drawn: DrawnSchedule }): ReactNode {
  const groups = useMemo(
    () => [{ title: schedule.name, rows: scheduleRows(schedule, simulation) }],
    [schedule, simulation],
  );
  const { bubbleOfTotal, bubbleOfIdeal, stepTime, peakMicroBatches } = simulation;
  const flushes = schedule.updates.mode === 'flush';
  const peak = (list: readonly number[]): string => `${Math.max(...list)}`;
  const size = `${schedule.ranks} ranks with ${schedule.microBatches} micro-batches`;
  const result = flushes
    ? `step time ${formatValue(stepTime)}, bubble ${formatPercent(bubbleOfTotal)} of total`
    : `${formatValue(stepTime)} for everything that is drawn, without a bubble in between`;
  return (
    <>
      <StatRow>
        <StatTile
          label={flushes ? 'Step time' : 'Time of what is drawn'}
          value={formatValue(stepTime)}
          note="in the unit of the times"
        />
        {flushes ? (
          <StatTile
            label="Bubble"
            value={formatPercent(bubbleOfTotal)}
            note={`of total; ${formatPercent(bubbleOfIdeal)} of ideal`}
          />
        ) : (
          <StatTile label="Bubble" value="none" note="without a flush; both ends are idle once per run" />
        )}
        <StatTile
          label="Peak micro-batches"
          value={peak(peakMicroBatches.untilInput)}
          note={`until I on the fullest rank; ${peak(peakMicroBatches.untilWeight)} until W`}
        />
        <StatTile label="Stages" value={schedule.stages} note={`${schedule.chunks} per rank`} />
      </StatRow>
      <Panel
        title="Timetable"
        note="made, proved and simulated in this browser"
        actions={
          <Button icon={Download} onClick={() => downloadCsv(schedule.name, toCsv(schedule))}>
            CSV
          </Button>
        }
      >
        <GanttChart label={`${schedule.name} on ${size}: ${result}`} groups={groups} formatTime={formatValue} />
      </Panel>
    </>
  );
}

function downloadCsv(name: string, csv: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv], { type: 'text/csv' }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}
