import { describe, expect, it } from 'vitest';
import { layerSeconds, scaledLayers } from './layer-seconds';

const times = (F: number): { F: number; I: number; W: number } => ({ F, I: 2 * F, W: 3 * F });
const layers = (block: number): { embedding: ReturnType<typeof times>; block: typeof BLOCK; head: typeof BLOCK } => ({
  embedding: times(0.1),
  block: times(block),
  head: times(4),
});
const BLOCK = times(1);
/** `fast` computes at twice the speed of `slow`; full recompute does the forward again. */
const estimate = (kind: string, recompute: string): typeof BLOCK => {
  const { F, I, W } = times(kind === 'fast' ? 0.5 : 1);
  return recompute === 'full' ? { F, I: I + F, W } : { F, I, W };
};

describe('layerSeconds', () => {
  it('takes what was measured, and else the estimate', () => {
    expect(layerSeconds({ slow: { none: layers(7) } }, estimate)('slow', 'none', 'block')).toEqual(times(7));
    expect(layerSeconds({}, estimate)('slow', 'none', 'block')).toEqual(times(1));
  });

  it('corrects the estimate of another setting by what that of the measured one was wrong by', () => {
    const seconds = layerSeconds({ slow: { none: layers(3) }, fast: { none: layers(100) } }, estimate);
    expect(seconds('slow', 'full', 'block')).toEqual({ F: 3, I: 9, W: 9 });
  });

  it('corrects the estimate of a kind that nobody measured by the mean of the others', () => {
    const seconds = layerSeconds({ slow: { none: layers(3) }, unknown: undefined }, estimate);
    expect(seconds('fast', 'none', 'block')).toEqual(times(1.5));
  });

  it('takes an action that takes no time for no evidence', () => {
    const free = { embedding: { F: 0, I: 0, W: 0 }, block: times(1), head: times(1) };
    expect(layerSeconds({ slow: { none: free } }, estimate)('fast', 'none', 'embedding')).toEqual(times(0.5));
  });
});

it('scales every part of a device', () => {
  const { embedding, head } = scaledLayers(layers(1), { F: 2, I: 1, W: 0.5 });
  expect(head).toEqual({ F: 8, I: 8, W: 6 });
  expect(embedding.F).toBe(0.2);
});
