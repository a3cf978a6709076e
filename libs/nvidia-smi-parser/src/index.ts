export type {
  ClockEventReasons,
  EccErrorCounts,
  GpuFields,
  NvidiaGpu,
  NvidiaMigDevice,
  NvidiaProcess,
} from './nvidia-gpu';
export type { NvidiaSmiParseErrorCode, TextPosition } from './parse-error';
export { NvidiaSmiParseError } from './parse-error';
export type { ParseOptions } from './parse-nvidia-smi';
export { parseNvidiaSmi } from './parse-nvidia-smi';
export type { NvidiaSmiHost, NvidiaSmiReport } from './report';
export { gpusByUuid } from './report';
export type { NvidiaSmiCommandErrorCode } from './watch/command-error';
export { NvidiaSmiCommandError } from './watch/command-error';
export type { QueryOptions } from './watch/query-nvidia-smi';
export { queryNvidiaSmi } from './watch/query-nvidia-smi';
export type { SpawnCommand } from './watch/run-command';
export type { WatchOptions } from './watch/watch-nvidia-smi';
export { watchNvidiaSmi } from './watch/watch-nvidia-smi';
