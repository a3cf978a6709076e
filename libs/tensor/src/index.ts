export * from './dtype';
export * from './shape';
