export type { InventoryAgent } from './placement/inventory-agent';
export type { NearestDevice, NearestPlacement } from './placement/nearest-placement';
export type { PendingCode, PendingReason } from './placement/pending-reason';
export * from './placement/plan-placement';
export type { QueuedRun } from './placement/queued-run';
export { usableMemoryBytes } from './placement/usable-memory';
export * from './state/retry-decision';
export * from './state/run-state';
export * from './state/stop-request';
