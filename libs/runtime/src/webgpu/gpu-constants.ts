/** GPUBufferUsage and GPUMapMode of the WebGPU specification: Node has no such globals, and none are installed. */
export const BUFFER_USAGE = {
  mapRead: 0x1,
  copySource: 0x4,
  copyDestination: 0x8,
  uniform: 0x40,
  storage: 0x80,
  indirect: 0x100,
  queryResolve: 0x200,
} as const;
export const MAP_MODE_READ = 0x1;
/** GPUShaderStage.COMPUTE. */
export const STAGE_COMPUTE = 0x4;
