import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { CommandContext } from '../command-context';
import { programMissing } from '../commands/commands.errors';
import { noAdapter } from './doctor.errors';

const descriptionSchema = z.object({
  vendor: z.string().optional(),
  architecture: z.string().optional(),
  description: z.string().optional(),
  driver: z.string().optional(),
  adapterClass: z.enum(['cpu', 'gpu']),
  features: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
});

/** Finds the adapter in the output of `--describe`, around which drivers may print warnings. */
export function readDescription(stdout: string): z.output<typeof descriptionSchema> {
  const line = stdout.split('\n').findLast((each) => each.startsWith('{'));
  return descriptionSchema.parse(JSON.parse(line ?? stdout));
}

const TIMEOUT_MS = 60_000;

/** Asks the agent's program for the adapter that it would train on: no other program may open a GPU. */
export async function askForAdapter({ programs, config }: CommandContext): Promise<z.output<typeof descriptionSchema>> {
  const program = join(programs, 'apps', 'agent', 'src', 'main.js');
  if (!existsSync(program)) throw programMissing(program);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--describe'], {
      env: config.environment,
      timeout: TIMEOUT_MS,
    });
    return readDescription(stdout);
  } catch (cause) {
    throw noAdapter(cause);
  }
}
