import type { agentV1 } from '@millrace/contracts';
import type { ComputeTimes } from '@millrace/pipeline';

const ACTION = /^(\d{1,6})([FIW])\d{1,6}$/;
const MS_PER_SECOND = 1000;

/**
 * Median seconds of F, I and W of one micro-batch in each stage, from the spans that ranks traced; undefined while a
 * stage lacks one of the three.
 */
export function measuredStages(
  batches: readonly Pick<agentV1.TraceBatch, 'spans'>[],
  stageCount: number,
): ComputeTimes[] | undefined {
  const seconds = new Map<string, number[]>();
  for (const { action, cause, startMs, endMs } of batches.flatMap(({ spans }) => spans)) {
    const [, stage, kind] = ACTION.exec(action) ?? [];
    if (cause !== 'compute' || stage === undefined || kind === undefined) continue;
    const key = `${Number(stage)}${kind}`;
    seconds.set(key, [...(seconds.get(key) ?? []), Math.max(0, endMs - startMs) / MS_PER_SECOND]);
  }
  const stages = Array.from({ length: stageCount }, (_, stage) => ({
    F: median(seconds.get(`${stage}F`) ?? []),
    I: median(seconds.get(`${stage}I`) ?? []),
    W: median(seconds.get(`${stage}W`) ?? []),
  }));
  const complete = stages.every(({ F, I, W }) => F !== undefined && I !== undefined && W !== undefined);
  return complete ? (stages as ComputeTimes[]) : undefined;
}

/** The upper one if there are two medians; undefined if there are no values. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
