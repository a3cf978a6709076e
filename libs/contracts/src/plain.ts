/**
 * The part of the contracts that loads nothing else, as `@millrace/contracts/plain`: a thread that starts with every
 * attempt should not load schemas and gRPC, which takes a third of a second and twenty megabytes. Types come from the
 * index.
 */
export * from './api/span-causes';
export * from './api/dataset-files';
export * from './api/device-name';
export * from './metric-names';
export * from './precision/half-precision';
export * from './schedule/flushless-rules';
export * from './schedule/schedule-request';
export * from './schedule/weight-versions';
export * from './schedule/deadlines';
export * from './schedule/start-phases';
