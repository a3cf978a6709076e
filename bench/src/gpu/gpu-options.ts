import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BenchError } from './bench-error';
import { GPU_SECONDS_MAX, GPU_SECTIONS, type GpuSectionName } from './gpu-sections';

export interface GpuOptions {
  /** Small sizes, on whatever adapter there is; a software driver has no others. */
  readonly software: boolean;
  readonly out: string;
  /** A Python that may have torch; none is asked if it is empty. */
  readonly python: string;
  /** The whole takes no longer. */
  readonly seconds: number;
  readonly only?: readonly GpuSectionName[];
}

export const GPU_USAGE = `npm run bench -- gpu [options]
  --software      small sizes on a GPU too, to try the benchmark; a software driver has no others
  --only A,B      some of ${Object.keys(GPU_SECTIONS).join(', ')}
  --python PATH   a Python whose torch is measured beside (python3; '' for none)
  --seconds N     end after so many seconds (${GPU_SECONDS_MAX})
  --out FILE      where the figures go as JSON (dist/gpu-results.json)`;

export function parseGpuOptions(args: readonly string[]): GpuOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { software: { type: 'boolean' }, only: text, python: text, seconds: text, out: text },
  });
  const seconds = Number(values.seconds ?? GPU_SECONDS_MAX);
  if (!(seconds > 0)) throw new BenchError('BENCH.OPTIONS', `--seconds is ${values.seconds}; give a number above 0`);
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => !(name in GPU_SECTIONS)) ?? [];
  if (unknown.length > 0)
    throw new BenchError('BENCH.OPTIONS', `there is no section ${unknown.join(', ')}\n${GPU_USAGE}`);
  return {
    software: values.software ?? false,
    out: values.out ?? join('dist', 'gpu-results.json'),
    python: values.python ?? 'python3',
    seconds,
    ...(only === undefined ? {} : { only: only as GpuSectionName[] }),
  };
}
