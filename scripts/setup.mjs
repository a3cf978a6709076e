#!/usr/bin/env node
/**
 * Makes a fresh checkout ready: dependencies, generated code, build, Vulkan driver. Plain Node, since it runs before
 * anything is installed. Each part keeps a stamp of its inputs and does nothing when they have not changed.
 */
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { checkNodeVersion } from './setup/node-version.mjs';
import { installDependencies } from './setup/install-dependencies.mjs';
import { ensureVulkanDriver } from './setup/vulkan-driver.mjs';
import { generate } from './gen.mjs';
import { build } from './build.mjs';

export { softwareDriverEnv } from './setup/vulkan-driver.mjs';

/** Everything the README commands need; throws an Error whose message says what to do. */
export async function setUp() {
  checkNodeVersion();
  await installDependencies();
  await generate();
  await build();
  await ensureVulkanDriver();
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  setUp().then(
    () => console.log('set-up is complete'),
    (error) => {
      console.error(`set-up failed: ${error.message}`);
      exit(1);
    },
  );
}
