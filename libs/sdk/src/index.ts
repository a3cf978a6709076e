export * from './accounts-client';
export * from './all-pages';
export * from './api-connection';
export * from './millrace-client';
