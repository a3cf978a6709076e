import { it } from 'vitest';
import { Outages } from './support/outages';

/** Under the lease that a cluster has by itself, 15 s. */
const environment = { MILLRACE_LEASE_MS: undefined, MILLRACE_HEARTBEAT_MS: undefined };
const outages = Outages.forTests({ steps: 1500, environment });

it.each([
  ['Postgres stands still for 20 s', () => outages.standStill('postgres', 20_000)],
  ['Postgres stands still for 60 s', () => outages.standStill('postgres', 60_000)],
  ['Postgres takes no connections for 60 s', () => outages.takeNoConnections(60_000)],
  ['Postgres is killed and started again', () => outages.killPostgres()],
  ['the API stands still for 20 s', () => outages.standStill('api', 20_000)],
  ['the API stands still for 60 s', () => outages.standStill('api', 60_000)],
])('%s: both runs go on in the same attempt, to the same bits', (what, happen) => outages.cost(what, happen));
