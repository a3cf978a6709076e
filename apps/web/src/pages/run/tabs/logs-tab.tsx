import type { RunBody } from '@millrace/contracts';
import { type ReactNode, useDeferredValue, useMemo, useState } from 'react';
import { formatCount } from '../../../format/format-number';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { Notice } from '../../../ui/feedback/notice';
import { Field } from '../../../ui/field';
import { Panel } from '../../../ui/panel';
import { type LogSearch, filterLogs } from '../logs/log-filter';
import { LogLines } from '../logs/log-lines';
import { useRunLogs } from '../logs/use-run-logs';

export function LogsTab({ run }: { readonly run: RunBody }): ReactNode {
  const { lines, isLoading, error } = useRunLogs(run.id);
  const [search, setSearch] = useState<LogSearch>({ text: '', stage: '', level: '' });
  const wanted = useDeferredValue(search);
  const shown = useMemo(() => filterLogs(lines, wanted), [lines, wanted]);
  const stages = useMemo(() => [...new Set(lines.map(({ stage }) => stage))].sort((a, b) => a - b), [lines]);
  const note = shown.length === lines.length ? '' : ` of ${formatCount(lines.length)}`;
  return (
    <Panel
      title="Logs"
      isFlush
      note={`${formatCount(shown.length)}${note} lines`}
      actions={<LogToolbar search={search} stages={stages} onChange={setSearch} />}
    >
      {error !== undefined && <Notice tone="bad">{error}</Notice>}
      {shown.length > 0 ? (
        <LogLines lines={shown} searched={wanted.text} />
      ) : (
        <EmptyState
          title={isLoading ? 'Loading…' : lines.length > 0 ? 'No line fits the filter.' : 'Nothing was logged yet.'}
        />
      )}
    </Panel>
  );
}

interface LogToolbarProps {
  readonly search: LogSearch;
  readonly stages: readonly number[];
  readonly onChange: (search: LogSearch) => void;
}

function LogToolbar({ search, stages, onChange }: LogToolbarProps): ReactNode {
  return (
    <div className="toolbar">
      <Field label="Search">
        {(control) => (
          <input
            {...control}
            type="search"
            value={search.text}
            onChange={({ target }) => onChange({ ...search, text: target.value })}
          />
        )}
      </Field>
      <Field label="Stage">
        {(control) => (
          <select
            {...control}
            value={search.stage}
            onChange={({ target }) => onChange({ ...search, stage: target.value })}
          >
            <option value="">all</option>
            {stages.map((stage) => (
              <option key={stage}>{stage}</option>
            ))}
          </select>
        )}
      </Field>
      <Field label="At least">
        {(control) => (
          <select
            {...control}
            value={search.level}
            onChange={({ target }) => onChange({ ...search, level: target.value })}
          >
            <option value="">any level</option>
            {['info', 'warn', 'error'].map((level) => (
              <option key={level}>{level}</option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}
