import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { SubmissionPace } from '../submission/submission-pace';
import { CommandRecorder, type Dispatch } from './command-recorder';
import { FirstGroups } from './first-groups';

/** Workgroups of a dispatch and the one it begins with, or the bytes of a copy or clear. */
type Command = readonly number[] | string;

/** Keeps what is recorded, by submission. */
function scene(msMax: number): { recorder: CommandRecorder; submissions: Command[][]; groupsMade: () => number } {
  let groupsMade = 0;
  const submissions: Command[][] = [];
  const buffer = (size: number): unknown => {
    const content = new ArrayBuffer(size);
    return { size, content, getMappedRange: () => content, unmap: () => undefined };
  };
  const firstOf = (group: unknown): number =>
    new Uint32Array(
      (group as { entries: [{ resource: { buffer: { content: ArrayBuffer } } }] }).entries[0].resource.buffer.content,
    )[0]!;
  let first = 0;
  const encoder = (): unknown => {
    const open: Command[] = [];
    const pass = {
      setPipeline: () => undefined,
      setBindGroup: (index: number, group: unknown) => void (index === 1 && (first = firstOf(group))),
      dispatchWorkgroups: (...workgroups: number[]) => void open.push([first, ...workgroups]),
      end: () => undefined,
    };
    return {
      beginComputePass: () => pass,
      copyBufferToBuffer: (...[, from, , to, bytes]: number[]) => void open.push(`copy ${from} to ${to}, ${bytes}`),
      clearBuffer: (_: unknown, offset: number, bytes: number) => void open.push(`clear ${offset}, ${bytes}`),
      finish: () => open,
    };
  };
  const device = {
    createBuffer: ({ size }: { size: number }) => buffer(size),
    createBindGroupLayout: () => ({}),
    createBindGroup: (descriptor: unknown) => {
      groupsMade++;
      return descriptor;
    },
    createCommandEncoder: encoder,
    queue: { submit: ([commands]: Command[][]) => void submissions.push(commands!) },
  } as unknown as GPUDevice;
  const speed = { matmulGflops: 1, memoryGBps: 0.001 };
  const pace = new SubmissionPace({ adapterClass: 'gpu', clock: new FakeClock(), speed, msMax });
  const target = { maxWorkgroupsPerDimension: 60 };
  const recorder = new CommandRecorder({ device, target, pace, firstGroups: new FirstGroups(device) });
  return { recorder, submissions, groupsMade: () => groupsMade };
}

function launch(workgroups: Dispatch['workgroups'], costMs: number): Dispatch {
  return { pipeline: {} as GPUComputePipeline, bindGroup: {} as GPUBindGroup, workgroups, costMs };
}

it('submits what fits into the time of a submission together, and the rest in the next', () => {
  const { recorder, submissions } = scene(100);
  for (const costMs of [40, 60, 1, 99, 100, 30]) recorder.dispatch(launch([7, 2, 1], costMs));
  recorder.submit();
  const one = [0, 7, 2, 1];
  expect(submissions).toEqual([[one, one], [one, one], [one], [one]]);
  expect(recorder.submittedCount).toBe(4);
});

it('cuts a launch that is too long by itself, each workgroup into one part', () => {
  const { recorder, submissions } = scene(100);
  recorder.dispatch(launch([1, 1, 1], 30));
  recorder.dispatch(launch([40, 4, 1], 350));
  recorder.dispatch(launch([1, 1, 1], 10));
  recorder.submit();
  expect(submissions).toEqual([
    [[0, 1, 1, 1]],
    [[0, 40, 1, 1]],
    [[40, 40, 1, 1]],
    [[80, 40, 1, 1]],
    [
      [120, 40, 1, 1],
      [0, 1, 1, 1],
    ],
  ]);
});

it('makes bind groups for the parts of a launch once, although its predicted time drifts', () => {
  const { recorder, groupsMade } = scene(100);
  recorder.dispatch(launch([40, 4, 1], 250));
  const made = groupsMade();
  for (let costMs = 201; costMs <= 400; costMs++) recorder.dispatch(launch([40, 4, 1], costMs));
  expect(groupsMade()).toBe(made);
});

it('cuts copies and clears too, between words', () => {
  const { recorder, submissions } = scene(10);
  const source = { size: 30_000 } as GPUBuffer;
  recorder.copy({ buffer: source, offset: 8 }, { buffer: source, offset: 0 }, 12_004);
  recorder.clear({ buffer: source, offset: 0, size: source.size });
  recorder.submit();
  expect(submissions).toEqual([
    ['copy 8 to 0, 3000'],
    ['copy 3008 to 3000, 3000'],
    ['copy 6008 to 6000, 3000'],
    ['copy 9008 to 9000, 3000', 'copy 12008 to 12000, 4'],
    ['clear 0, 7500'],
    ['clear 7500, 7500'],
    ['clear 15000, 7500'],
    ['clear 22500, 7500'],
  ]);
});

it('leaves everything in one submission where there is no bound', () => {
  const { recorder, submissions } = scene(Infinity);
  for (let count = 0; count < 3; count++) recorder.dispatch(launch([60, 60, 1], 1e6));
  recorder.submit();
  recorder.submit();
  expect(submissions).toEqual([Array.from({ length: 3 }, () => [0, 60, 60, 1])]);
});

it('keeps commands apart, to be submitted behind what was recorded until then', () => {
  const { recorder, submissions } = scene(100);
  recorder.dispatch(launch([1, 1, 1], 10));
  const kept = recorder.keep((own) => {
    for (const x of [2, 3]) own.dispatch(launch([x, 1, 1], 60));
  });
  recorder.dispatch(launch([4, 1, 1], 10));
  expect([submissions, recorder.submittedCount]).toEqual([[], 0]);
  recorder.submitKept(kept);
  recorder.dispatch(launch([5, 1, 1], 10));
  recorder.submit();
  expect(submissions).toEqual([
    [
      [0, 1, 1, 1],
      [0, 4, 1, 1],
    ],
    [[0, 2, 1, 1]],
    [[0, 3, 1, 1]],
    [[0, 5, 1, 1]],
  ]);
  expect(recorder.submittedCount).toBe(4);
});
