import { describe, expect, it } from 'vitest';
import { plannedChoices } from './planned-choices';

const choice = (bucket: string, form: string) => ({ kernel: 'matmul_nn', bucket, form });
const of = (kind: string, bucket: string, form: string) => ({ kind, ...choice(bucket, form) });

describe('the variants that the ranks of an attempt use', () => {
  it('are those measured on their kinds of devices, and none where nothing was', () => {
    const measured = [of('b', 'M2', '64x64'), of('b', 'M1', '128x64'), of('other', 'M1', 'tile')];
    expect(plannedChoices({ kinds: ['b', 'a', 'b'], measured })).toEqual([
      { kind: 'b', ranks: [0, 2], choices: [choice('M1', '128x64'), choice('M2', '64x64')] },
    ]);
    expect(plannedChoices({ kinds: ['a'], measured })).toEqual([]);
  });

  it('stay those of the attempt before, and what was measured since is added', () => {
    const before = [{ kind: 'a', ranks: [0], choices: [choice('M1', '64x64')] }];
    const measured = [of('a', 'M1', 'tile'), of('a', 'M3', 'workgroup')];
    expect(plannedChoices({ kinds: ['a', 'a'], measured, before })).toEqual([
      { kind: 'a', ranks: [0, 1], choices: [choice('M1', '64x64'), choice('M3', 'workgroup')] },
    ]);
  });
});
