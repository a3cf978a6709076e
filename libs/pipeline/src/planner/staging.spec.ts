import { expect, it } from 'vitest';
import { rankStaging, SNAPSHOT_WINDOW, stagingBytes } from './staging';

const { groupBytes, groupCount } = SNAPSHOT_WINDOW;

it('stages a small state at once and a large one in as many buffers as the window has', () => {
  const snapshot = (stateBytes: number): object => rankStaging({ stateBytes, boundaryBytes: 0, tiedBytes: 0 }).snapshot;
  expect(snapshot(1000)).toEqual({ bytes: 1000, count: 1 });
  expect(snapshot(groupBytes + 4)).toEqual({ bytes: groupBytes, count: 2 });
  expect(snapshot(100 * groupBytes)).toEqual({ bytes: groupBytes, count: groupCount });
  expect(snapshot(0)).toEqual({ bytes: 0, count: 0 });
});

it('counts four activations on their way, and a tied gradient', () => {
  const staged = { stateBytes: 1000, boundaryBytes: 300, tiedBytes: 70 };
  expect(stagingBytes(staged)).toBe(1000 + 4 * 300 + 70);
  expect(stagingBytes({ ...staged, boundaryBytes: 0, tiedBytes: 0 })).toBe(1000);
});
