import { Tab, TabList, TabPanel, TabProvider } from '@ariakit/react';
import type { RunBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { client } from '../../api/client';
import { formatCount } from '../../format/format-number';
import { usePollMs } from '../../live/live-provider';
import { CliCommand, CopyableId } from '../../ui/copyable';
import { QueryView } from '../../ui/feedback/query-view';
import { PageHeader } from '../../ui/page-header';
import { useInView } from '../../ui/use-in-view';
import { StateBadge } from '../../ui/state-badge';
import { RunButtons } from './run-buttons';
import { RunReasonNotice } from './run-reason-notice';
import { RunStarting } from './run-starting';
import { useLiveStep } from './use-live-step';
import { RUN_TABS, type RunTab, readTab } from './run-tabs';
import { CheckpointsTab } from './tabs/checkpoints-tab';
import { EventsTab } from './tabs/events-tab';
import { LogsTab } from './tabs/logs-tab';
import { OverviewTab } from './tabs/overview-tab';
import { SpecTab } from './tabs/spec-tab';
import { TimelineTab } from './tabs/timeline-tab';

const route = getRouteApi('/runs/$runId');

const TABS: Readonly<Record<RunTab, (props: { readonly run: RunBody }) => ReactNode>> = {
  overview: OverviewTab,
  timeline: TimelineTab,
  logs: LogsTab,
  checkpoints: CheckpointsTab,
  events: EventsTab,
  spec: SpecTab,
};

const CLI: Readonly<Record<RunTab, (id: string) => string>> = {
  overview: (id) => `millrace show ${id}`,
  timeline: (id) => `millrace show ${id}`,
  logs: (id) => `millrace logs -f ${id}`,
  checkpoints: (id) => `millrace checkpoints ${id}`,
  events: (id) => `millrace show ${id}`,
  spec: (id) => `millrace show ${id} --json`,
};

/** Shows one run, from the reason for its state to the spec that submitted it. */
export function RunPage(): ReactNode {
  const { runId } = route.useParams();
  const pollMs = usePollMs();
  useLiveStep(runId);
  const query = useQuery({ queryKey: ['run', runId], queryFn: () => client.run(runId), refetchInterval: pollMs });
  return <QueryView query={query}>{(run) => <LoadedRun run={run} />}</QueryView>;
}

function LoadedRun({ run }: { readonly run: RunBody }): ReactNode {
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  useInView(tab);
  return (
    <>
      <PageHeader
        title={run.name}
        badge={<StateBadge state={run.state} />}
        actions={<RunButtons run={run} />}
        detail={
          <>
            <CopyableId id={run.id} />
            <span className="number">
              step {formatCount(run.step)} of {formatCount(run.steps)}
            </span>
            <span>project {run.project}</span>
            <CliCommand command={CLI[tab](run.id)} />
          </>
        }
      />
      <RunReasonNotice run={run} />
      <RunStarting run={run} />
      <TabProvider
        selectedId={tab}
        setSelectedId={(id) => void navigate({ search: { tab: readTab(id) }, replace: true })}
      >
        <TabList className="tabs" aria-label="Parts of the run">
          {RUN_TABS.map((name) => (
            <Tab key={name} id={name} className="tab">
              {name[0]?.toUpperCase() + name.slice(1)}
            </Tab>
          ))}
        </TabList>
        {RUN_TABS.map((name) => {
          const Body = TABS[name];
          return (
            <TabPanel key={name} tabId={name} className="stack" unmountOnHide>
              <Body run={run} />
            </TabPanel>
          );
        })}
      </TabProvider>
    </>
  );
}
