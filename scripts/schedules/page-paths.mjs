/** What gen-schedules.mjs writes; apart from it, since gen.mjs is loaded before any package is installed. */
export const SCHEDULES_PAGE = 'docs/schedules.md';
export const SCHEDULES_FOLDER = 'docs/schedules';
