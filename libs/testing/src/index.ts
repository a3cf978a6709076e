export * from './fake-clock';
export * from './gang-credentials';
export * from './in-memory-transport';
export * from './temporary-postgres';
export * from './in-process-stage';
export * from './software-vulkan';
export * from './token-text';
export * from './train-in-process';
