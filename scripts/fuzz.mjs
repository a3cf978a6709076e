#!/usr/bin/env node
/**
 * `npm run fuzz -- --minutes N --seed S`: disturbs a cluster of its own over REST, gRPC and raw sockets
 * while it trains. `--prepared` says that the set-up was just done, as `npm test` does it for all its stages.
 * Exit code 1 where the API fails, stalls, or keeps memory, and where training is harmed.
 */
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { FuzzCluster, STALL_SECONDS } from './fuzz/fuzz-cluster.mjs';
import { GrpcFuzz } from './fuzz/grpc.mjs';
import { Random } from './fuzz/random.mjs';
import { RestFuzz } from './fuzz/rest.mjs';
import { SocketFuzz } from './fuzz/sockets.mjs';
import { setUp } from './setup.mjs';

const WARM_UP_MS = 15_000;
const SETTLE_MS = 10_000;
/** Over what it had after the warm-up. */
const MEMORY_GROWTH_MAX = 1.3;
const MEMORY_SLACK_MIB = 64;
/** Requests at a time of each kind. */
const LANES = { rest: 3, grpc: 2, sockets: 3 };
const FINDINGS_MAX = 20;

/** @returns what was found, a sentence each */
export async function fuzz({ minutes, seed }) {
  const cluster = await FuzzCluster.start();
  const findings = new Set();
  const judge = (finding) => findings.size < FINDINGS_MAX && findings.add(finding);
  try {
    await cluster.createDataset();
    const reference = await cluster.train('undisturbed');
    const untilMs = Date.now() + minutes * 60_000;
    const disturbed = disturb(cluster, { seed, untilMs, judge });
    const training = trainAgainAndAgain(cluster, { reference, untilMs, judge });
    const { residentMib, ...looks } = await watch(cluster, { untilMs, judge });
    const counts = await disturbed;
    await training;
    await pause(SETTLE_MS);
    const after = await cluster.measure();
    const most = residentMib * MEMORY_GROWTH_MAX + MEMORY_SLACK_MIB;
    if (after.residentMib > most)
      judge(`the API holds ${after.residentMib.toFixed()} MiB, ${residentMib.toFixed()} MiB after the warm-up`);
    console.log(`seed ${seed}: ${JSON.stringify({ ...counts, trained: await training, ...looks })}`);
  } catch (error) {
    judge(`${error.stack}`);
  } finally {
    if (findings.size > 0) console.log(cluster.logTail());
    await cluster.stop();
  }
  // A process that ended explains the other findings.
  return [...cluster.endings(), ...findings];
}

/** All kinds of disturbance until the time is over. @returns how many there were of each */
async function disturb(cluster, { seed, untilMs, judge }) {
  const random = (lane) => new Random(seed * 1000 + lane);
  const ports = { ...cluster.endpoint, dataPorts: await cluster.dataPorts() };
  const kinds = {
    rest: (lane) => new RestFuzz(cluster.endpoint, random(lane), judge),
    grpc: (lane) => new GrpcFuzz(cluster.endpoint, random(100 + lane), judge),
    sockets: (lane) => new SocketFuzz(ports, random(200 + lane)),
  };
  const counts = {};
  const lanes = Object.entries(LANES).flatMap(([kind, laneCount]) =>
    Array.from({ length: laneCount }, async (_, lane) => {
      const player = kinds[kind](lane);
      await player.prepare?.();
      for (counts[kind] ??= 0; Date.now() < untilMs; counts[kind]++) await player.one();
      player.close?.();
    }),
  );
  await Promise.all(lanes);
  return counts;
}

/** @returns how often */
async function trainAgainAndAgain(cluster, { reference, untilMs, judge }) {
  let count = 0;
  for (; count === 0 || Date.now() < untilMs; count++) {
    const losses = await cluster.train(`disturbed-${count}`).catch((error) => `${error.message}`);
    if (losses === reference) continue;
    judge(`training was harmed: ${losses}, undisturbed ${reference}`);
    break;
  }
  return count;
}

/** Looks at the API's own measures. @returns its memory after the warm-up */
async function watch(cluster, { untilMs, judge }) {
  const startedMs = Date.now();
  const { ownStalls: before } = await cluster.measure();
  let residentMib = 0;
  let looks = 0;
  for (; Date.now() < untilMs; looks++) {
    await pause(1_000);
    const measured = await cluster.measure().catch((error) => judge(`/metrics: ${error.cause ?? error}`));
    if (Date.now() < startedMs + WARM_UP_MS) residentMib = Math.max(residentMib, measured?.residentMib ?? 0);
  }
  const { ownStalls, stalls } = await cluster.measure();
  if (ownStalls > before)
    judge(`the API kept its event loop for more than ${STALL_SECONDS} s, ${ownStalls - before} times`);
  return { residentMib, looks, stalls };
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      prepared: { type: 'boolean', default: false },
    },
  });
  if (!values.prepared) await setUp();
  const findings = await fuzz({
    minutes: Number(values.minutes),
    seed: Number(values.seed),
  });
  for (const finding of findings) console.error(finding);
  console.log(findings.length === 0 ? 'nothing was found' : `${findings.length} findings`);
  exit(findings.length === 0 ? 0 : 1);
}
