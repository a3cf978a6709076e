import { RUN_STATES } from '@millrace/contracts';
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
import { useAllRuns } from './use-all-runs';

const route = getRouteApi('/runs');
const NEWEST_FIRST = [{ id: 'created', desc: true }];

export function RunsPage(): ReactNode {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { runs, query, isWhole } = useAllRuns();
  const wanted = useDeferredValue(search);
  const shown = useMemo(() => filterRuns(runs, wanted), [runs, wanted]);
  // With the filter, after the frame that answers the click or key.
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
      {query.isError && <Notice tone="bad">{errorText(query.error)}</Notice>}
      <Panel
        title="All runs"
        isFlush
        note={isWhole ? countText(shown.length, runs.length) : 'Loading…'}
        actions={<RunFilter search={search} onChange={change} />}
      >
        <DataTable
          label="Runs"
          rows={shown}
          columns={RUN_COLUMNS}
          rowId={({ id }) => id}
          sorting={sorting}
          onSortingChange={(sorting) => change({ sort: writeSort(sorting) ?? '' })}
          empty={isWhole ? <NoRuns isFiltered={runs.length > 0} /> : <div className="loading">Loading…</div>}
        />
      </Panel>
    </>
  );
}

function countText(shown: number, all: number): string {
  return shown === all ? formatCount(all) : `${formatCount(shown)} of ${formatCount(all)}`;
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
  if (isFiltered) return <EmptyState title="No run is like that." />;
  return (
    <EmptyState title="Nothing has been trained here yet." command="millrace submit examples/moby-gpt.yaml --watch" />
  );
}
