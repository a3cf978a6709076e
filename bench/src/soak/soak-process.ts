import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import { type Reading, read } from './readings';
import { checks, isMet, report } from './soak-report';
import { makeText, SteadyWork } from './steady-work';

/** `npm run soak -- --minutes N`: steady mixed load on a cluster of two agents, and what it leaves behind. */
const NAMES = ['api', 'agent-1', 'agent-2', 'postgres'];
const READ_EVERY_MS = 60_000;
/** Agents that have just started, and idle ones after the load, are read after this time. */
const SETTLE_MS = 45_000;
/** Blocks that were let go are deleted once a minute. */
const COLLECTED_MS = 75_000;
const MS_PER_MINUTE = 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
  const minutes = Number(values.minutes);
  if (!(minutes >= 1 && minutes <= 1440)) throw new RangeError(`--minutes ${values.minutes} is not from 1 to 1440`);
  const cluster = await LiveCluster.start({ agents: 2, environment: { MILLRACE_REQUESTS_PER_SECOND: '1000' } });
  try {
    await makeText(cluster, 'mill');
    const work = new SteadyWork(cluster, 'mill');
    // Fresh: the agents have tested their device, and have had no run.
    await wait(SETTLE_MS);
    const startedMs = performance.now();
    const minute = (): number => (performance.now() - startedMs) / MS_PER_MINUTE;
    const readings: Reading[] = [];
    const note = async (): Promise<void> => {
      const reading = await read(cluster, { minute: minute(), runCount: work.runCount, names: NAMES });
      readings.push(reading);
      process.stderr.write(`minute ${reading.minute.toFixed(1)}: ${reading.runCount} runs\n`);
    };
    /** A process that is being started anew cannot be read; that it was is told at the end. */
    const noteIfReadable = (): Promise<void> =>
      note().catch((error: unknown) => void work.failures.push(String(error)));
    await note();
    const over = (): boolean => minute() >= minutes;
    const working = work.run(over);
    while (!over()) {
      await wait(Math.min(READ_EVERY_MS, Math.max(1000, (minutes - minute()) * MS_PER_MINUTE)));
      await noteIfReadable();
    }
    await working;
    await wait(Math.max(SETTLE_MS, COLLECTED_MS));
    await note();
    const isClean = checks(readings, work.failures).every(isMet);
    process.stdout.write(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores\n`);
    process.stdout.write(`${report(readings, work.failures)}\n`);
    if (!isClean) process.exitCode = 1;
  } finally {
    await cluster.stop();
  }
}

// Streams that were broken off may hold their sockets for a while.
main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
