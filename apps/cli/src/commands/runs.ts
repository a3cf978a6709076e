import { bytesText } from '@millrace/core';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type PlanBody, type RunBody, startPhaseText } from '@millrace/contracts';
import { type RunAction, allPages } from '@millrace/sdk';
import { type CommandContext, command, wholeNumber } from '../command-context';
import { age, durationText, table } from '../table';
import { fileUnreadable } from './commands.errors';
import { comparisonLines } from './comparison-lines';
import { watchRun } from './watch-run';

interface Json {
  readonly json?: boolean;
}

/** The commands about runs: submit, plan, runs, show, checkpoints, and what can be done to a run. */
export function runCommands(context: CommandContext): Command[] {
  return [
    submitCommand(context),
    planCommand(context),
    listCommand(context),
    showCommand(context),
    checkpointsCommand(context),
    ...(['cancel', 'pause', 'resume'] as const).map((action) => actionCommand(context, action)),
  ];
}

function submitCommand(context: CommandContext): Command {
  return command('submit', 'submit a run from a YAML or JSON file', 'millrace submit examples/moby-gpt.yaml --watch')
    .argument('<file>', 'the run spec; - reads standard input')
    .option('--watch', 'stay and show progress until the run ends')
    .action(async (file: string, options: Json & { watch?: boolean }) => {
      const output = context.output(options);
      const client = context.client();
      const submitted = await client.submitRun(readSpec(file));
      if (options.watch !== true) {
        output.result(submitted, ({ id, state }) => `${id} ${state}\nFollow it with: millrace show ${id}`);
        return;
      }
      output.note(`${submitted.id} ${submitted.state}`);
      const run = await watchRun({ client, clock: context.clock, runId: submitted.id, stream: process.stderr });
      output.result(run, describeRun);
      if (run.state !== 'succeeded') process.exitCode = 1;
    });
}

/** What a rank's agent will allocate, by what it is for. */
const MEMORY_PARTS = [
  ...(['weights', 'gradients', 'optimizer', 'activations'] as const),
  ...(['working', 'evaluation', 'staging', 'total'] as const),
];

function memoryRow(memory: PlanBody['memory'][number], rank: number): (string | number)[] {
  return [rank, ...MEMORY_PARTS.map((part) => bytesText(memory[part]))];
}

function planCommand(context: CommandContext): Command {
  return command(
    'plan',
    'show how a run would be split and placed, without submitting it',
    'millrace plan examples/moby-gpt.yaml',
  )
    .argument('<file>', 'the run spec; - reads standard input')
    .action(async (file: string, options: Json) => {
      const plan = await context.client().planRun(readSpec(file));
      context
        .output(options)
        .result(plan, ({ stages, memory, schedule, predicted, explanation, notes, timetable, basis, pending }) => {
          const rows = stages.map((stage) => [
            stage.rank,
            stage.agent ?? '-',
            layersText(stage.firstLayer, stage.layerCount),
            stage.parameters,
            bytesText(stage.memoryBytes),
          ]);
          const bubble = `bubble ${(100 * predicted.bubbleOfTotal).toFixed(1)}% of total, ${(100 * predicted.bubbleOfIdeal).toFixed(1)}% of ideal`;
          const waits = pending === null ? [] : [`The run would wait: ${pending.message}`];
          const heading = `${schedule.name}, ${schedule.microBatches} micro-batches: ${bubble}`;
          const agents = table(['rank', 'agent', 'layers', 'parameters', 'memory'], rows);
          const held = table(['rank', ...MEMORY_PARTS], memory.map(memoryRow));
          const from = basis === null ? [] : [basisText(basis)];
          return [agents, held, explanation ?? heading, ...notes, ...from, timetable, ...waits].join('\n');
        });
    });
}

function listCommand(context: CommandContext): Command {
  return command('runs', 'list the runs, newest first', 'millrace runs --limit 20')
    .option('--limit <count>', 'how many at most', wholeNumber(1), 50)
    .action(async (options: Json & { limit: number }) => {
      const client = context.client();
      const runs = await allPages((page) => client.runs(page), options.limit);
      context.output(options).result(runs, (items) =>
        items.length === 0
          ? 'no runs yet; submit one with: millrace submit FILE'
          : table(
              ['id', 'name', 'state', 'step', 'of', 'created'],
              items.map((run) => [
                run.id,
                run.name,
                run.state,
                run.step,
                run.steps,
                age(run.createdAt, context.clock.now()),
              ]),
            ),
      );
    });
}

function showCommand(context: CommandContext): Command {
  return command(
    'show',
    'show one run: its state and why, its attempts and where they ran',
    'millrace show run_0a1b2c3d4e5f6g7h',
  )
    .argument('<run>', 'id of the run')
    .action(async (id: string, options: Json) => {
      context.output(options).result(await context.client().run(id), describeRun);
    });
}

function checkpointsCommand(context: CommandContext): Command {
  return command('checkpoints', 'list the checkpoints of a run', 'millrace checkpoints run_0a1b2c3d4e5f6g7h')
    .argument('<run>', 'id of the run')
    .action(async (id: string, options: Json) => {
      const client = context.client();
      const checkpoints = await allPages((page) => client.checkpoints(id, page));
      context.output(options).result(checkpoints, (items) =>
        items.length === 0
          ? 'no checkpoint yet'
          : table(
              ['id', 'step', 'size', 'created'],
              items.map((item) => [
                item.id,
                item.step,
                bytesText(item.bytes),
                age(item.createdAt, context.clock.now()),
              ]),
            ),
      );
    });
}

const ACTIONS = {
  cancel: 'stop a run for good',
  pause: 'stop a run at its next step, with a checkpoint to go on from',
  resume: 'go on with a paused run',
} as const satisfies Partial<Record<RunAction, string>>;

function actionCommand(context: CommandContext, action: keyof typeof ACTIONS): Command {
  return command(action, ACTIONS[action], `millrace ${action} run_0a1b2c3d4e5f6g7h`)
    .argument('<run>', 'id of the run')
    .action(async (id: string, options: Json) => {
      const answer = await context.client().actOnRun(id, action);
      context.output(options).result(answer, ({ state }) => `${id} ${state}`);
    });
}

function readSpec(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw fileUnreadable(file, cause);
  }
}

function basisText({ devices, links }: NonNullable<PlanBody['basis']>): string {
  const of = (source: 'measured' | 'estimated'): string =>
    devices.flatMap(({ device, layers }) => (layers === source ? device : [])).join(', ') || 'none';
  const measuredCount = links.filter((link) => link === 'measured').length;
  return (
    `Times of layers: measured on ${of('measured')}; estimated from the benchmark on ${of('estimated')}. ` +
    `Links measured: ${measuredCount} of ${links.length}; others are taken to cost no time.`
  );
}

function layersText(first: number, count: number): string {
  if (count === 0) return 'none';
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}

function describeRun(run: RunBody): string {
  const lines = [`${run.id}  ${run.name}  ${run.state}  step ${run.step} of ${run.steps}`];
  if (run.reason !== null) lines.push(`  ${run.reason.message}`);
  for (const [index, attempt] of run.attempts.entries()) {
    const stages = attempt.stages.map(
      ({ agent, firstLayer, layerCount }) => `${agent} (layers ${layersText(firstLayer, layerCount)})`,
    );
    lines.push(`  attempt ${index + 1}: ${attempt.state}, from step ${attempt.fromStep}, on ${stages.join(' and ')}`);
    if (attempt.planComparison !== null) lines.push(...comparisonLines(attempt.planComparison));
    if (attempt.failure !== null) lines.push(`    ${attempt.failure.class}: ${attempt.failure.message}`);
  }
  lines.push(...deadlineLines(run));
  return lines.join('\n');
}

/** What the ranks of the live attempt that have not begun are doing, and how long the start and a step may take. */
function deadlineLines({ starting, startDeadlineMs, stepDeadlineMs }: RunBody): string[] {
  const lines = starting.map(
    ({ rank, agent, phase, seconds }) =>
      `    rank ${rank} on ${agent} ${startPhaseText(phase)}, for ${durationText(seconds)}`,
  );
  if (starting.length > 0 && startDeadlineMs !== null)
    lines.push(`    the start may take ${durationText(startDeadlineMs / 1000)}`);
  if (stepDeadlineMs !== null) lines.push(`    a step may take ${durationText(stepDeadlineMs / 1000)}`);
  return lines;
}
