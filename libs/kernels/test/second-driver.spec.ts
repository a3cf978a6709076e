import { swiftShaderIcd } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { openTestDevice } from './webgpu-device';

/**
 * Runs every other shape of conformance.spec.ts once more, on SwiftShader: another compiler, subgroups of 4 lanes for
 * lavapipe's 8, workgroups of 256 invocations for its 1024. The Vulkan loader reads the variable when the first device
 * is opened, and each spec has a process of its own.
 */
const icd = swiftShaderIcd();

describe('on SwiftShader', async () => {
  if (icd === undefined) {
    it('kernels agree with their twins', ({ skip }) => skip('no SwiftShader: it comes with the package chromium'));
    return;
  }
  process.env['VK_ICD_FILENAMES'] = icd;
  delete process.env['VK_DRIVER_FILES'];
  process.env['MILLRACE_SAMPLED_SHAPES'] = '1';
  it('opens that driver', async () => {
    const device = await openTestDevice();
    expect(device?.description).toMatch(/SwiftShader/);
    expect(device?.target.subgroupSize).toBe(4);
    device?.close();
  });
  await import('./conformance.spec.js');
});
