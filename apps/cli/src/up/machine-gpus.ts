import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const gpusSchema = z.object({ gpus: z.array(z.object({ name: z.string(), pciAddress: z.string() })) });
const TIMEOUT_MS = 30_000;

export type MachineGpu = z.output<typeof gpusSchema>['gpus'][number];

/**
 * Asks the agent's program for the GPUs of this machine, since no other program may look at them; index = number of the
 * device.
 */
export async function machineGpus(programs: string, environment: NodeJS.ProcessEnv): Promise<MachineGpu[]> {
  const program = join(programs, 'apps', 'agent', 'src', 'main.js');
  const options = { env: environment, timeout: TIMEOUT_MS };
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--gpus'], options);
  return gpusSchema.parse(JSON.parse(stdout)).gpus;
}

/** How many agents to start, and the reason for that number. */
export function agentsFor(gpus: readonly MachineGpu[]): { readonly count: number; readonly why: string } {
  if (gpus.length === 0) return { count: 1, why: 'there is no GPU, so that it takes the software driver' };
  return { count: gpus.length, why: gpus.map(({ name, pciAddress }) => `${name} at ${pciAddress}`).join(', ') };
}
