import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@millrace/core';
import { openWebGpuBackend, type WebGpuBackend } from '@millrace/runtime';

const ICD_FOLDER = '/usr/share/vulkan/icd.d';

/** Points the Vulkan loader at lavapipe if nobody chose a driver, there is no GPU, and lavapipe is installed. */
export function useSoftwareVulkan(env: NodeJS.ProcessEnv): void {
  env['XDG_RUNTIME_DIR'] ??= '/tmp';
  const chosen = env['VK_ICD_FILENAMES'] !== undefined || env['VK_DRIVER_FILES'] !== undefined;
  if (chosen || existsSync('/dev/nvidia0') || existsSync('/dev/dri') || !existsSync(ICD_FOLDER)) return;
  const icd = readdirSync(ICD_FOLDER).find((file) => /^lvp_icd.*\.json$/.test(file));
  if (icd !== undefined) env['VK_ICD_FILENAMES'] = join(ICD_FOLDER, icd);
}

/** Where SwiftShader's loader file lies: Debian's Chromium and Google's bring it along. Undefined without it. */
export function swiftShaderIcd(): string | undefined {
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((path) => existsSync(path));
}

/**
 * A backend on whatever adapter there is, or undefined: tests then skip with the reason "no adapter". `env` is
 * process.env, which the driver reads when the first device of the process is opened.
 */
export async function openTestBackend(env: NodeJS.ProcessEnv): Promise<WebGpuBackend | undefined> {
  useSoftwareVulkan(env);
  try {
    return await openWebGpuBackend({ clock: systemClock, logger: silentLogger });
  } catch {
    return undefined;
  }
}
