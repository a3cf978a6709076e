import { cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import type { HostSample } from './device-sample';

/** Ticks of all cores since the machine started. */
interface CpuTicks {
  readonly busy: number;
  readonly all: number;
}

/**
 * Reads the state of the machine. Memory counts as unused if Linux can give it away without swapping (`meminfo`), which
 * is more than what is free.
 */
export function readHost(meminfo = '/proc/meminfo'): HostSample {
  const hostMemoryTotalBytes = totalmem();
  return {
    // Windows has no load average, but Node returns 0 there.
    loadAverage: platform() === 'win32' ? null : (loadavg()[0] ?? null),
    hostMemoryUsedBytes: hostMemoryTotalBytes - (availableBytes(meminfo) ?? freemem()),
    hostMemoryTotalBytes,
  };
}

/** How busy all cores were since the last call, in percent; null at the first call. */
export class CpuUtilization {
  private last: CpuTicks | undefined;

  constructor(private readonly ticks: () => CpuTicks = readTicks) {}

  percent(): number | null {
    const before = this.last;
    const now = this.ticks();
    this.last = now;
    if (before === undefined || now.all <= before.all) return null;
    return Math.min(100, Math.max(0, ((now.busy - before.busy) / (now.all - before.all)) * 100));
  }
}

function readTicks(): CpuTicks {
  const times = cpus().map((cpu) => cpu.times);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { busy: all - idle, all };
}

function availableBytes(path: string): number | undefined {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    // There is no such file outside Linux.
    return undefined;
  }
}
