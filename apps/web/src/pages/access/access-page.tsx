import { Tab, TabList, TabPanel, TabProvider } from '@ariakit/react';
import type { ReactNode } from 'react';
import { useMay } from '../../api/session';
import { PageHeader } from '../../ui/page-header';
import { ProjectsPanel } from './projects-panel';
import { TokensPanel } from './tokens-panel';
import { UsersPanel } from './users-panel';

/** Shows who may do what: users see their own tokens, an admin sees those of everybody. */
export function AccessPage(): ReactNode {
  const isAdmin = useMay('admin');
  return (
    <>
      <PageHeader title="Users and tokens" />
      <TabProvider>
        <TabList className="tabs" aria-label="Parts">
          <Tab className="tab">Tokens</Tab>
          {isAdmin && <Tab className="tab">Users</Tab>}
          <Tab className="tab">Projects</Tab>
        </TabList>
        <TabPanel unmountOnHide className="stack">
          <TokensPanel />
        </TabPanel>
        {isAdmin && (
          <TabPanel unmountOnHide className="stack">
            <UsersPanel />
          </TabPanel>
        )}
        <TabPanel unmountOnHide className="stack">
          <ProjectsPanel />
        </TabPanel>
      </TabProvider>
    </>
  );
}
