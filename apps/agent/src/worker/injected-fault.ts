import { pbkdf2Sync } from 'node:crypto';
import type { GpuTask, InjectedFault } from './gpu-task';
import type { MessageEnd } from './worker-port';
import type { FromWorker } from './worker-messages';

const TEXT = /^(lose|hang)@(\d{1,9}):(\d{1,9})$/;

/** Parses KIND@FENCE:STEP, separated by commas; undefined if the text is anything else. */
export function parseFaults(text: string): InjectedFault[] | undefined {
  const faults = text.split(',').map((each) => {
    const [, kind, fence, step] = TEXT.exec(each) ?? [];
    return kind === undefined
      ? undefined
      : { kind: kind as InjectedFault['kind'], fence: Number(fence), step: Number(step) };
  });
  return faults.every((each) => each !== undefined) ? faults : undefined;
}

/** In native code this takes far longer than any wait for the thread. */
const HANG_ITERATIONS = 2 ** 31 - 1;

/** Wraps the thread's end of its port, so that the device fails when the task says so. */
export function withFaults(end: MessageEnd, task: GpuTask, loseDevice: () => void): MessageEnd {
  const { faults = [] } = task.device;
  if (task.kind !== 'attempt' || task.plan.rank !== 1 || faults.length === 0) return end;
  const befall = (message: FromWorker): void => {
    if (message.type !== 'step') return;
    const fault = faults.find(({ fence, step }) => fence === task.plan.fence && step === message.step);
    if (fault?.kind === 'lose') loseDevice();
    if (fault?.kind === 'hang') pbkdf2Sync('', '', HANG_ITERATIONS, 64, 'sha512');
  };
  return {
    on: (event, listener) => end.on(event, listener),
    off: (event, listener) => end.off(event, listener),
    postMessage: (message, transfer) => {
      end.postMessage(message, transfer);
      befall(message as FromWorker);
    },
  };
}
