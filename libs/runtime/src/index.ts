export * from './adapter-description';
export * from './backend';
export * from './benchmark-backend';
export * from './cpu/cpu-backend';
export * from './host-array';
export * from './runtime.errors';
export * from './self-test';
export * from './webgpu/open-webgpu-backend';
export type { WebGpuBackend } from './webgpu/webgpu-backend';
