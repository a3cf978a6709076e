export * from './state/retry-decision';
export * from './state/run-state';
export * from './state/stop-request';
