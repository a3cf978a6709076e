import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, describeError } from '@millrace/core';
import { benchGpu } from './gpu-bench';
import { GPU_USAGE, parseGpuOptions } from './gpu-options';
import { compareGpu, gpuText } from './report/gpu-report';

/** `npm run bench -- gpu`, also by itself: it needs Node, the package webgpu and dist's libs beside it. */
async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) return void process.stdout.write(`${GPU_USAGE}\n`);
  const options = parseGpuOptions(args);
  const report = compareGpu(await benchGpu(options, (line) => process.stderr.write(`${line}\n`)));
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`${gpuText(report)}\n\nwritten to ${options.out}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof AppError ? error.message : describeError(error)}\n`);
  process.exit(2);
});
