import type { AppError, FailureClass } from '@millrace/core';

const CLASS_OF_CODE: Readonly<Record<string, FailureClass>> = {
  'STAGE.NUMERICS': 'numerics',
  'STAGE.TIMED_OUT': 'timed_out',
  'AGENT.GPU_THREAD_SILENT': 'timed_out',
  'RUNTIME.DEVICE_LOST': 'node_lost',
  'RUNTIME.OUT_OF_MEMORY': 'out_of_memory',
  'DATA_PLANE.PEER_LOST': 'node_lost',
  'AGENT.STOPPING': 'preempted',
  // A checkpoint's report is too long for a message; another attempt's report would be as long.
  'SESSION.MESSAGE_TOO_LARGE': 'user_error',
  'AGENT.API_AWAY': 'node_lost',
};

/** Areas whose 'invalid' means that the run spec cannot work on this device or data. */
const USER_AREAS = [
  'RUNTIME.TENSOR_TOO_LARGE',
  'RUNTIME.BINDING_TOO_LARGE',
  'MODEL.',
  'DATA.',
  'PIPELINE.',
  'STAGE.',
  'CHECKPOINT.',
];

/** The class of a failure in the run's state machine, which decides whether the run is tried again. */
export function failureClass({ code, kind }: AppError): FailureClass {
  const known = CLASS_OF_CODE[code];
  if (known !== undefined) return known;
  return kind === 'invalid' && USER_AREAS.some((area) => code.startsWith(area)) ? 'user_error' : 'internal';
}
