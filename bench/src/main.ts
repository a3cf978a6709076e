import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { benchDashboard } from './dashboard/dashboard';
import { benchDataplane } from './dataplane';
import { benchFirstStep } from './first-step';
import { benchKernels } from './kernels/kernel-table';
import { benchFlash } from './flash/flash';
import { benchLoopDelay } from './loop-delay/loop-delay';
import { benchMatmul } from './matmul';
import type { Measurement } from './measurement';
import { RESULTS } from './paths';
import { benchPipeline } from './pipeline';
import { benchSchedules } from './schedules';
import { benchTrain, benchTrainAt256 } from './train';

/** `npm run bench [-- NAME …]`: measures each pair side by side, prints a table and writes bench/results.json. */
type Results = Record<string, Measurement>;

const BENCHMARKS: Readonly<Record<string, () => Promise<Results>>> = {
  matmul: async () => ({ matmul_vs_tfjs: await benchMatmul() }),
  flash: async () => ({ flash_vs_naive: await benchFlash() }),
  train: async () => ({ train_tokens_vs_tfjs: await benchTrain() }),
  'train-256': benchTrainAt256,
  kernels: benchKernels,
  dataplane: async () => ({
    dataplane_vs_socket: await benchDataplane('plain'),
    dataplane_tls_vs_tls_socket: await benchDataplane('tls'),
  }),
  pipeline: async () => {
    const { efficiency, heartbeat } = await benchPipeline();
    return { pp2_efficiency: efficiency, heartbeat_lateness_p99_ms: heartbeat };
  },
  'first-step': async () => {
    const { known, unknown, cold } = await benchFirstStep();
    return {
      first_step_known_shape_p90_ms: known,
      first_step_new_shape_p90_ms: unknown,
      first_step_empty_cache_p90_ms: cold,
    };
  },
  schedules: async () => {
    const { steps, gain } = await benchSchedules();
    return { measured_vs_simulated_step: steps, zbv_gain_vs_predicted: gain };
  },
  loop: benchLoopDelay,
  dashboard: benchDashboard,
};

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !(name in BENCHMARKS));
  if (unknown.length > 0) {
    process.stderr.write(
      `no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}, and gpu by itself\n`,
    );
    process.exit(2);
  }
  const results: Results =
    existsSync(RESULTS) && wanted.length > 0 ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Results) : {};
  for (const [name, bench] of Object.entries(BENCHMARKS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stderr.write(`measuring ${name}\n`);
    Object.assign(results, await bench());
    writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  }
  process.stdout.write(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores\n${tableOf(results)}\n`);
}

function tableOf(results: Results): string {
  const number = (value: number | null): string =>
    value === null ? '-' : value >= 100 ? value.toFixed(0) : value.toFixed(2);
  const rows = Object.entries(results).map(([name, { ours, peer, ratio, unit }]) => [
    name,
    number(ours),
    number(peer),
    number(ratio),
    unit,
  ]);
  const cells = [['benchmark', 'ours', 'peer', 'ratio', 'unit'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
