import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTION_KINDS, NO_MICRO_BATCH } from './action';
import { formatAction, parseAction } from './action-text';

describe('the text of an action', () => {
  it.each([
    ['2F0', { kind: 'F', stage: 2, microBatch: 0 }],
    ['1SEND_F3', { kind: 'SEND_F', stage: 1, microBatch: 3 }],
    ['2LOCAL_B1', { kind: 'LOCAL_B', stage: 2, microBatch: 1 }],
    ['0STEP3', { kind: 'STEP', stage: 0, microBatch: 3 }],
    ['0STEP', { kind: 'STEP', stage: 0, microBatch: NO_MICRO_BATCH }],
  ] as const)('%s', (text, action) => {
    expect(parseAction(text)).toEqual(action);
    expect(formatAction(action)).toBe(text);
  });

  it('prints and parses every action back', () => {
    const actions = fc.record({ kind: fc.constantFrom(...ACTION_KINDS), stage: fc.nat(999), number: fc.nat(99_999) });
    fc.assert(
      fc.property(actions, ({ kind, stage, number }) => {
        const action = { kind, stage, microBatch: kind === 'REDUCE' || kind === 'STEP' ? NO_MICRO_BATCH : number };
        expect(parseAction(formatAction(action))).toEqual(action);
      }),
    );
  });

  it.each(['', 'F0', '0F', '0X1', '0REDUCE3', '0F1 ', '-1F0', '0F1F2', '12345678F0'])('refuses "%s"', (text) => {
    expect(() => parseAction(text)).toThrowError(expect.objectContaining({ code: 'PIPELINE.ACTION_MALFORMED' }));
  });
});
