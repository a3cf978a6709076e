import { AppError } from '@millrace/core';

/** No WebGPU adapter could be opened. */
export function noAdapter(cause: unknown): AppError {
  const output =
    cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n').at(-1) : undefined;
  return new AppError({
    code: 'DOCTOR.NO_ADAPTER',
    kind: 'precondition',
    message: `no GPU and no software Vulkan driver can be used${output === undefined || output === '' ? '' : ` (${output})`}`,
    cause,
  });
}
