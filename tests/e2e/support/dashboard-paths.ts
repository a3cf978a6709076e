import type { MillraceClient } from '@millrace/sdk';

const RUN_TABS = ['overview', 'timeline', 'logs', 'checkpoints', 'events', 'spec'];

/** The address of every page of the dashboard, with a run, an agent and a dataset that are there. */
export async function dashboardPaths(client: MillraceClient, runId: string): Promise<string[]> {
  const agent = (await client.agents()).items[0]!.id;
  const dataset = (await client.datasets()).items[0]!.id;
  return [
    ...['/', '/runs', '/submit', '/agents', `/agents/${agent}`, '/datasets', `/datasets/${dataset}`],
    ...RUN_TABS.map((tab) => `/runs/${runId}?tab=${tab}`),
    ...['/playground', '/schedules', '/access', '/audit', '/nowhere'],
  ];
}
