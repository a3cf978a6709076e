import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import { type Reading, read } from './readings';
import { checks, report } from './soak-report';
import { makeText, SteadyWork } from './steady-work';

/** `npm run soak -- --minutes N`: steady mixed load on a cluster of two agents, and what it leaves behind. */
const NAMES = ['api', 'agent-1', 'agent-2', 'postgres'];
const READ_EVERY_MS = 60_000;
/** After the load the agents give back what runs freed. */
const SETTLE_MS = 45_000;
const MS_PER_MINUTE = 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
  const minutes = Number(values.minutes);
  if (!(minutes >= 1 && minutes <= 1440)) throw new RangeError(`--minutes ${values.minutes} is not from 1 to 1440`);
  const cluster = await LiveCluster.start({ agents: 2, environment: { MILLRACE_REQUESTS_PER_SECOND: '1000' } });
  try {
    await makeText(cluster, 'mill');
    const work = new SteadyWork(cluster, 'mill');
    // Both agents have had one run, of two stages, before anything is compared.
    await work.train();
    await work.train();
    await wait(SETTLE_MS);
    const startedMs = performance.now();
    const minute = (): number => (performance.now() - startedMs) / MS_PER_MINUTE;
    const readings: Reading[] = [];
    const note = async (): Promise<void> => {
      const reading = await read(cluster, { minute: minute(), runCount: work.runCount, names: NAMES });
      readings.push(reading);
      process.stderr.write(`minute ${reading.minute.toFixed(1)}: ${reading.runCount} runs\n`);
    };
    await note();
    const over = (): boolean => minute() >= minutes;
    const working = work.run(over);
    while (!over()) {
      await wait(Math.min(READ_EVERY_MS, Math.max(1000, (minutes - minute()) * MS_PER_MINUTE)));
      await note();
    }
    await working;
    await wait(SETTLE_MS);
    await note();
    const failed = checks(readings, work.failures).filter(({ isMet }) => !isMet);
    process.stdout.write(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores\n`);
    process.stdout.write(`${report(readings, work.failures)}\n`);
    if (failed.length > 0) process.exitCode = 1;
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
