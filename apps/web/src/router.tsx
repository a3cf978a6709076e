import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { AppRoot } from './app/app-root';
import { ErrorPage } from './app/error-page';
import { lazyPage } from './app/loading/lazy-page';
import { NotFoundPage } from './app/not-found-page';
import { readRunsSearch } from './pages/runs/runs-search';
import { readTab } from './pages/run/run-tabs';
import { readScheduleSearch } from './pages/schedules/schedule-search';

const root = createRootRoute({ component: AppRoot, notFoundComponent: NotFoundPage, errorComponent: ErrorPage });

const textAt = (search: Record<string, unknown>, key: string): string | undefined =>
  typeof search[key] === 'string' && search[key] !== '' ? search[key] : undefined;

/** Each page is loaded when it is first opened; only the frame is loaded at once. */
const routes = [
  createRoute({
    getParentRoute: () => root,
    path: '/',
    component: lazyPage(async () => (await import('./pages/overview/overview-page')).OverviewPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/runs',
    validateSearch: readRunsSearch,
    component: lazyPage(async () => (await import('./pages/runs/runs-page')).RunsPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/runs/$runId',
    validateSearch: (search: Record<string, unknown>) => ({ tab: readTab(search.tab) }),
    component: lazyPage(async () => (await import('./pages/run/run-page')).RunPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/submit',
    validateSearch: (search: Record<string, unknown>) => ({ from: textAt(search, 'from') }),
    component: lazyPage(async () => (await import('./pages/submit/submit-page')).SubmitPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/agents',
    component: lazyPage(async () => (await import('./pages/agents/agents-page')).AgentsPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/agents/$agentId',
    component: lazyPage(async () => (await import('./pages/agents/agent-page')).AgentPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/datasets',
    component: lazyPage(async () => (await import('./pages/datasets/datasets-page')).DatasetsPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/datasets/$datasetId',
    component: lazyPage(async () => (await import('./pages/datasets/dataset-page')).DatasetPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/playground',
    validateSearch: (search: Record<string, unknown>) => ({
      run: textAt(search, 'run'),
      checkpoint: textAt(search, 'checkpoint'),
    }),
    component: lazyPage(async () => (await import('./pages/playground/playground-page')).PlaygroundPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/schedules',
    validateSearch: readScheduleSearch,
    component: lazyPage(async () => (await import('./pages/schedules/schedules-page')).SchedulesPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/access',
    component: lazyPage(async () => (await import('./pages/access/access-page')).AccessPage),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/audit',
    component: lazyPage(async () => (await import('./pages/audit/audit-page')).AuditPage),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  defaultErrorComponent: ErrorPage,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
