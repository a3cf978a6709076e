import { RUN_STATES } from '@millrace/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { type ReactNode, useDeferredValue, useMemo } from 'react';
import { formatCount } from '../../format/format-number';
import { CliCommand } from '../../ui/copyable';
import { EmptyState } from '../../ui/feedback/empty-state';
import { errorText } from '../../ui/feedback/error-text';
import { Notice } from '../../ui/feedback/notice';
import { Field } from '../../ui/field';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { DataTable } from '../../ui/table/data-table';
import { RUN_COLUMNS } from './run-columns';
import { type RunsSearch, STATE_GROUPS, filterRuns, readRunsSearch, readSort, writeSort } from './runs-search';
import { withFound } from './merge-runs';
import { useAllRuns } from './use-all-runs';
import { type OlderRuns, useOlderRuns } from './use-older-runs';

const route = getRouteApi('/runs');
const NEWEST_FIRST = [{ id: 'created', desc: true }];

export function RunsPage(): ReactNode {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { runs, error, isRead, olderCursor } = useAllRuns();
  const hasOlder = olderCursor !== null;
  const wanted = useDeferredValue(search);
  const older = useOlderRuns(wanted, olderCursor);
  const shown = useMemo(() => filterRuns(withFound(runs, older.runs), wanted), [runs, older.runs, wanted]);
  // Sorted together with the filter, after the frame that answers the click or key.
  const sorting = useMemo(() => (wanted.sort === undefined ? NEWEST_FIRST : readSort(wanted.sort)), [wanted.sort]);
  const change = (next: Partial<Record<keyof RunsSearch, string>>): void =>
    void navigate({ search: readRunsSearch({ ...search, ...next }), replace: true });
  return (
    <>
      <PageHeader
        title="Runs"
        detail={<CliCommand command="millrace runs" />}
        actions={
          <Link to="/submit" search={{ from: undefined }} className="button button-primary">
            Submit a run
          </Link>
        }
      />
      {error !== null && <Notice tone="bad">{errorText(error)}</Notice>}
      {hasOlder && <Notice tone={older.error === null ? 'info' : 'bad'}>{olderText(runs.length, older)}</Notice>}
      <Panel
        title={hasOlder ? 'Newest runs' : 'All runs'}
        isFlush
        note={isRead ? countText(shown.length, runs.length) : 'Loading…'}
        actions={<RunFilter search={search} onChange={change} />}
      >
        <DataTable
          label="Runs"
          rows={shown}
          columns={RUN_COLUMNS}
          rowId={({ id }) => id}
          sorting={sorting}
          onSortingChange={(sorting) => change({ sort: writeSort(sorting) ?? '' })}
          empty={isRead ? <NoRuns isFiltered={runs.length > 0} /> : <div className="loading">Loading…</div>}
        />
      </Panel>
    </>
  );
}

/** Says which of the older runs are shown, and how to find the others. */
function olderText(count: number, { state, hasMore, error }: OlderRuns): string {
  const newest = `There are more than ${formatCount(count)} runs; the newest are listed.`;
  if (state === 'unasked') return `${newest} A search, or one state, finds the older ones too.`;
  if (state === 'asking') return `${newest} Looking among the older ones…`;
  if (state === 'failed') return `${newest} The older ones could not be searched: ${error?.message ?? ''}.`;
  if (hasMore) return `${newest} More older runs fit than are listed: narrow the search to see the others.`;
  return `${newest} The older runs that fit are listed too.`;
}

function countText(shown: number, all: number): string {
  return shown >= all ? formatCount(all) : `${formatCount(shown)} of ${formatCount(all)}`;
}

interface RunFilterProps {
  readonly search: RunsSearch;
  readonly onChange: (next: Partial<Record<keyof RunsSearch, string>>) => void;
}

function RunFilter({ search, onChange }: RunFilterProps): ReactNode {
  return (
    <div className="toolbar">
      <Field label="Search">
        {(control) => (
          <input
            {...control}
            type="search"
            placeholder="name, id, project, reason"
            value={search.text ?? ''}
            onChange={({ target }) => onChange({ text: target.value })}
          />
        )}
      </Field>
      <Field label="State">
        {(control) => (
          <select {...control} value={search.state ?? ''} onChange={({ target }) => onChange({ state: target.value })}>
            <option value="">all</option>
            {[...STATE_GROUPS, ...RUN_STATES].map((state) => (
              <option key={state}>{state}</option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}

function NoRuns({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  if (isFiltered) return <EmptyState title="No run fits the filter." />;
  return (
    <EmptyState title="Nothing has been trained here yet." command="millrace submit examples/moby-gpt.yaml --watch" />
  );
}
