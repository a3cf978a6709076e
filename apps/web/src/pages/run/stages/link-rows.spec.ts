import type { LinkTraffic, RunBody } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { linkRows, stagesInOrder, activationBytes } from './link-rows';

const spec = {
  model: { context: 21, hidden: 60 },
  train: { batch: { global: 10, micro: 2 } },
  parallel: { dp: 1 },
} as RunBody['spec'];
const stage = (rank: number, firstLayer: number): RunBody['attempts'][number]['stages'][number] => ({
  ...{ rank, firstLayer, agent: `agent_${rank}`, layerCount: 1 },
});
const link = (fromRank: number, toRank: number, edge: string, bytesPerStep: number): LinkTraffic => ({
  ...{ fromRank, toRank, edge, bytesPerStep, framesPerStep: 5, bytesPerSecond: 2 * bytesPerStep },
});
/** 5 micro-batches. */
const STEP_BYTES = 5 * 2 * 21 * 60 * 4;

describe('links between ranks', () => {
  it('expect a tensor of each micro-batch both ways, beside what was counted', () => {
    expect(5 * activationBytes(spec)).toBe(STEP_BYTES);
    const counted = [link(0, 1, 'activation', STEP_BYTES), link(0, 1, 'commit', 200), link(0, 1, 'tied', 1000)];
    expect(linkRows(spec, { stages: [stage(1, 2), stage(0, 0)] }, counted)).toEqual([
      {
        ...{ fromRank: 0, toRank: 1, computedBytes: STEP_BYTES },
        measured: {
          tensorBytesPerStep: STEP_BYTES,
          tensorsPerStep: 5,
          otherBytesPerStep: 1200,
          bytesPerSecond: 2 * (STEP_BYTES + 1200),
        },
      },
      { fromRank: 1, toRank: 0, computedBytes: STEP_BYTES },
    ]);
  });

  it('count each boundary of a rank with several stages, and none within it', () => {
    // A V: rank 0 has the ends, rank 1 the middle.
    const vee = { stages: [stage(0, 0), stage(1, 1), stage(1, 2), stage(0, 3)] };
    expect(stagesInOrder(vee).map(({ rank }) => rank)).toEqual([0, 1, 1, 0]);
    expect(linkRows(spec, vee, []).map(({ computedBytes }) => computedBytes)).toEqual([2 * STEP_BYTES, 2 * STEP_BYTES]);
    // Looped: the last rank's first stage goes on at the first rank.
    const looped = { stages: [stage(0, 0), stage(1, 1), stage(0, 2), stage(1, 3)] };
    expect(linkRows(spec, looped, []).map((row) => [row.fromRank, row.toRank, row.computedBytes])).toEqual([
      [0, 1, 3 * STEP_BYTES],
      [1, 0, 3 * STEP_BYTES],
    ]);
  });

  it('are told of too where the spec expects none: a word at the end of a step', () => {
    const rows = linkRows(spec, { stages: [stage(0, 0), stage(1, 1), stage(2, 2)] }, [link(2, 0, 'norm', 8)]);
    expect(rows.map((row) => [row.fromRank, row.toRank])).toEqual([
      [0, 1],
      [1, 0],
      [1, 2],
      [2, 0],
      [2, 1],
    ]);
    expect(rows[3]).toMatchObject({ computedBytes: 0, measured: { otherBytesPerStep: 8, tensorsPerStep: 0 } });
    expect(linkRows(spec, { stages: [stage(0, 0)] }, [])).toEqual([]);
  });
});
