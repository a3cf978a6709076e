/** Short, idempotent commands: executing one twice, or when it is not needed, changes nothing. */
export const QUEUE_COMMANDS = [
  'schedule',
  'sweep-leases',
  'collect-checkpoints',
  'walk-blocks',
  'purge-idempotency',
  'purge-telemetry',
  'expire-records',
] as const;
export type QueueCommand = (typeof QUEUE_COMMANDS)[number];

export function isQueueCommand(name: string): name is QueueCommand {
  return (QUEUE_COMMANDS as readonly string[]).includes(name);
}

/** How often each command is executed in any case, which makes up for a command that was lost. */
export function intervalsMs(leaseMs: number): Readonly<Record<QueueCommand, number>> {
  return {
    schedule: 5_000,
    'sweep-leases': Math.max(500, Math.floor(leaseMs / 10)),
    'collect-checkpoints': 60_000,
    'walk-blocks': 3_600_000,
    'purge-idempotency': 600_000,
    'purge-telemetry': 600_000,
    'expire-records': 60_000,
  };
}
