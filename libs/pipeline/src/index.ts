export * from './lower/lower-schedule';
export * from './lower/transfer';
export * from './pipeline.errors';
export * from './schedule/action';
export * from './schedule/action-text';
export * from './schedule/make-schedule';
export * from './schedule/schedule';
export * from './schedule/split-backward';
