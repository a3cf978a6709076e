import type { RouteDescription } from './route-description';
import { ACCOUNT_ROUTES } from './routes/account-routes';
import { DATA_ROUTES } from './routes/data-routes';
import { RUN_ROUTES } from './routes/run-routes';
import { SYSTEM_ROUTES } from './routes/system-routes';

/** Every route of the application; a test compares this list with the router. */
export const ROUTES: readonly RouteDescription[] = [...SYSTEM_ROUTES, ...RUN_ROUTES, ...DATA_ROUTES, ...ACCOUNT_ROUTES];
