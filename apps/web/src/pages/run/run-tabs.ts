export const RUN_TABS = ['overview', 'timeline', 'logs', 'checkpoints', 'events', 'spec'] as const;
export type RunTab = (typeof RUN_TABS)[number];

export function readTab(tab: unknown): RunTab {
  return RUN_TABS.find((known) => known === tab) ?? 'overview';
}
