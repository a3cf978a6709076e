import { AppError } from '@millrace/core';

export function deviceUnknown(wanted: string, present: readonly string[]): AppError {
  const there =
    present.length === 0 ? 'neither nvidia-smi nor /sys/class/drm shows one' : `there are ${present.join('; ')}`;
  return new AppError({
    code: 'AGENT.DEVICE_UNKNOWN',
    kind: 'invalid',
    message: `this machine has no GPU ${wanted}: ${there}. Give --device a number, UUID or PCI address of these`,
  });
}

/** The driver opened another GPU than the one that was named by UUID or PCI address. */
export function deviceWrong(wanted: string, opened: string): AppError {
  return new AppError({
    code: 'AGENT.DEVICE_WRONG',
    kind: 'precondition',
    message:
      `the driver opened ${opened} instead of ${wanted}: install Mesa's device selection layer ` +
      '(the package mesa-vulkan-drivers), unset VK_ICD_FILENAMES, DRI_PRIME and MESA_VK_DEVICE_SELECT, ' +
      'or hide the other GPUs from the agent (docs/how-to/several-gpus.md)',
  });
}

/** The driver neither answers nor fails. */
export function probeLate(limitMs: number): AppError {
  return new AppError({
    code: 'AGENT.DEVICE_PROBE_LATE',
    kind: 'unavailable',
    message:
      `the graphics driver did not open its device, or did not get through the self-test, within ${limitMs / 1000} s: ` +
      "look at the driver's messages in the kernel's log, try vulkaninfo, or train on the CPU by setting " +
      'VK_ICD_FILENAMES to a software driver',
  });
}
