import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ReceiverProcess {
  readonly port: number;
  stop(): void;
}

/** Starts `program receive ...args` as a process of its own; it prints its port and ends when its stdin does. */
export async function startReceiver(program: string, args: readonly string[]): Promise<ReceiverProcess> {
  // Flags such as --cpu-prof hold for both ends.
  const child = spawn(process.execPath, [...process.execArgv, program, 'receive', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { port: Number(line), stop: () => child.stdin.end() };
}

/** In the receiver: tells the port and lives as long as the sender. */
export function announcePort(port: number): void {
  process.stdout.write(`${port}\n`);
  process.stdin.resume().once('end', () => process.exit(0));
}

/** How much of a size is sent once before the clock starts, and while it runs. */
export const WARM_UP_BYTES = 128 * 2 ** 20;
export const MEASURED_BYTES = 512 * 2 ** 20;

/** MB/s, 10^6 bytes each. */
export async function megabytesPerSecond(bytes: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return bytes / (performance.now() - start) / 1000;
}
