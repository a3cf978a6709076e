import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../process/run-command.mjs';
import { ROOT } from '../process/stamp.mjs';

/** Compiles a project of nest-cli.json to dist; `buildInfo` is the file of dist that its incremental builds go by. */
export async function nestBuild(project, buildInfo) {
  try {
    await runCommand('node', ['node_modules/@nestjs/cli/bin/nest.js', 'build', project], { cwd: ROOT });
  } catch (error) {
    // What was not emitted because of an error would otherwise count as done in the next incremental build.
    rmSync(join(ROOT, 'dist', buildInfo), { force: true });
    throw error;
  }
}
