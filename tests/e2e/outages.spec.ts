import { it } from 'vitest';
import { Outages } from './support/outages';

const LEASE_MS = 2_000;
const outages = Outages.forTests({
  steps: 300,
  environment: { MILLRACE_LEASE_MS: String(LEASE_MS), MILLRACE_HEARTBEAT_MS: '400' },
});

it.each([
  ['Postgres stands still for less than a lease', () => outages.standStill('postgres', LEASE_MS / 2)],
  ['Postgres stands still for longer than a lease', () => outages.standStill('postgres', 1.5 * LEASE_MS)],
  ['Postgres stands still for four leases', () => outages.standStill('postgres', 4 * LEASE_MS)],
  ['Postgres takes no connections for ten leases', () => outages.takeNoConnections(10 * LEASE_MS)],
  ['Postgres is killed and started again', () => outages.killPostgres()],
  ['the API stands still for less than a lease', () => outages.standStill('api', LEASE_MS / 2)],
  ['the API stands still for longer than a lease', () => outages.standStill('api', 1.5 * LEASE_MS)],
  ['the API stands still for four leases', () => outages.standStill('api', 4 * LEASE_MS)],
])('%s: both runs go on in the same attempt, to the same bits', (what, happen) => outages.cost(what, happen));
