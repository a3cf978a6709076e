export * from './attempt-plan';
export * from './parse-run-spec';
export * from './rest';
export * from './run-spec';
export * from './run-spec.errors';
