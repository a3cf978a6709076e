// Writes docs/schedules.md and docs/schedules/NAME.svg from libs/pipeline: every schedule drawn and measured by the
// code that makes it.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { ROOT } from './process/stamp.mjs';
import { FACTS } from './schedules/facts.mjs';
import { loadPipeline } from './schedules/load-library.mjs';
import { SCHEDULES_FOLDER, SCHEDULES_PAGE } from './schedules/page-paths.mjs';

const DRAWN = { ranks: 4, microBatches: 8 };
const TABLE = { ranks: 8, microBatches: 32 };
const EQUAL = { F: 1, I: 1, W: 1 };

function writeSchedules() {
  const pipeline = loadPipeline();
  const names = pipeline.SCHEDULE_NAMES;
  const missing = names.filter((name) => FACTS[name] === undefined);
  if (missing.length > 0) throw new Error(`scripts/schedules/facts.mjs says nothing of ${missing.join(', ')}`);
  mkdirSync(join(ROOT, SCHEDULES_FOLDER), { recursive: true });
  for (const file of readdirSync(join(ROOT, SCHEDULES_FOLDER))) rmSync(join(ROOT, SCHEDULES_FOLDER, file));
  for (const name of names) {
    const svg = pipeline.toSvg(make(pipeline, name, DRAWN), EQUAL);
    writeFileSync(join(ROOT, SCHEDULES_FOLDER, `${name}.svg`), svg);
  }
  writeFileSync(join(ROOT, SCHEDULES_PAGE), page(pipeline, names));
}

function make(pipeline, name, size) {
  const { chunks } = FACTS[name];
  return pipeline.makeSchedule({ name, ...size, ...(chunks === undefined ? {} : { chunks }) });
}

function page(pipeline, names) {
  return [
    '# Schedules',
    '',
    'Made by `node scripts/gen-schedules.mjs` from `libs/pipeline`, which draws, proves and measures what agents run.',
    'For other sizes and times: `npx millrace schedule NAME --ranks p --microbatches m [--chunks v] [--times F,I,W]`,',
    'with `--svg`, `--csv` or `--json`.',
    '',
    'p ranks r = 0 .. p-1, m micro-batches, v chunks per rank. F, I, W are the times of forward, backward for the input',
    "and backward for the weights of one micro-batch through a rank's whole share; a chunk takes 1/v of them; B = I + W.",
    'Transfers take no time in these figures. Two things are called bubble: idle time by *makespan* counts to the end of',
    "the step, which is what a barrier at the optimizer costs; *span idle* counts between a rank's own first and last",
    'action, which is what is left without one. As a fraction it is `bubbleOfTotal` = idle / (idle + busy) or',
    '`bubbleOfIdeal` = idle / busy. Attempts run schedules with B written as I and W apart, so that a gradient leaves',
    'before W: they idle less than the textbook form that is drawn here.',
    '',
    ...table(pipeline, names),
    '',
    'Domains are where property tests (p up to 16, m up to 64, v up to 4, random times) hold simulation and formula to',
    'be equal; outside of them the simulation is right and the formula is not. With the times of real stages and links,',
    'simulate.',
    '',
    ...names.flatMap((name) => section(name)),
    ...csvSection(),
  ].join('\n');
}

function table(pipeline, names) {
  const { ranks, microBatches } = TABLE;
  const head = [
    `With p = ${ranks}, m = ${microBatches}, F = I = W = 1; peaks on the first and the last rank:`,
    '',
    '| schedule | v | idle | span idle | of total | of ideal | peak until I | peak until W |',
    '|---|---|---|---|---|---|---|---|',
  ];
  const rows = names.map((name) => {
    const schedule = make(pipeline, name, TABLE);
    const lowered = pipeline.lowerSchedule(schedule);
    pipeline.proveSchedule(lowered);
    const { idlePerRank, spanIdlePerRank, bubbleOfTotal, bubbleOfIdeal, peakMicroBatches } = pipeline.simulateSchedule(
      lowered,
      EQUAL,
    );
    const { untilInput, untilWeight } = peakMicroBatches;
    const ends = (peaks) => `${peaks[0]}, ${peaks.at(-1)}`;
    const percent = (ratio) => `${(100 * ratio).toFixed(1)}%`;
    // Without a flush the idle time of both ends comes once per run, and none in between.
    const flushes = schedule.updates.mode === 'flush';
    const bubbles = flushes ? `${percent(bubbleOfTotal)} | ${percent(bubbleOfIdeal)}` : 'none | none';
    const spanIdle = Math.max(...spanIdlePerRank);
    const idle = flushes ? `${idlePerRank[0]} | ${spanIdle}` : `${idlePerRank[0]} per run | ${spanIdle} per run`;
    return `| [${name}](#${name}) | ${schedule.chunks} | ${idle} | ${bubbles} | ${ends(untilInput)} | ${ends(untilWeight)} |`;
  });
  return [...head, ...rows];
}

function section(name) {
  const { about, source, idle, span, peak, domain } = FACTS[name];
  return [
    `## ${name}`,
    '',
    about,
    '',
    `![${name}, ${DRAWN.ranks} ranks, ${DRAWN.microBatches} micro-batches](schedules/${name}.svg)`,
    '',
    `- Idle per rank: ${idle}${span === undefined ? '' : `; within its span ${span}`}. Holds for: ${domain}.`,
    `- Peak micro-batches on rank r: ${peak}.`,
    `- Source: ${source}.`,
    '',
  ];
}

function csvSection() {
  return [
    '## csv',
    '',
    'A schedule of your own: one row per rank, cells `[stage][F|I|W|B][micro-batch]` such as `2F0`, in the order in which',
    'the rank does them; empty cells are skipped. `(0F3;7B1)OVERLAP_F_B` is an overlapped pair. Stages live where their F',
    'stand, as many on each rank. Sends, receives, hand-overs and the end of the step are added. It is refused, naming the',
    'cell, unless every micro-batch goes F, I, W once per stage, the W of each stage ascend, and no timing deadlocks.',
    '',
    '```',
    '0F0,0F1,3F0,3B0,3F1,3B1,0B0,0B1',
    '1F0,2F0,1F1,2F1,2B0,1B0,2B1,1B1',
    '```',
    '',
  ];
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) writeSchedules();
