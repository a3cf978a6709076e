import { describe, expect, it } from 'vitest';
import type { PlanBasis, PlannableDevice } from '../../ledger/runs/plan-basis';
import { distinctDevices, namelessBasis } from './device-choice';
import { speedsAreKnown } from './plannable-device';

const device = (label: string, gflops?: number, memoryBytes = 8e9): PlannableDevice => ({
  label,
  memoryBytes,
  benchmark: gflops === undefined ? {} : { matmulGflops: gflops, copyGigabytesPerSecond: 10 },
});
const basis = (devices: PlannableDevice[], linked: [number, number][] = []): PlanBasis => ({
  devices,
  links: devices.map((_, from) =>
    devices.map((__, to) =>
      linked.some(([a, b]) => a === from && b === to) ? { bytesPerSecond: 1e9, latencySeconds: 0 } : undefined,
    ),
  ),
});

describe('the devices among which a planner chooses', () => {
  it('are of each kind as many as the run has ranks, in their order', () => {
    const devices = ['a', 'b', 'c', 'd', 'e'].map((label, index) => device(label, index === 3 ? 20 : 10));
    expect(distinctDevices(basis(devices), 2)).toEqual([0, 1, 3]);
    expect(distinctDevices(basis(devices), 9)).toEqual([0, 1, 2, 3, 4]);
  });

  it('are all that have a link of their own', () => {
    const devices = ['a', 'b', 'c', 'd'].map((label) => device(label, 10));
    expect(distinctDevices(basis(devices, [[3, 2]]), 1)).toEqual([0, 2, 3]);
  });

  it('have no names, so that equal ones of other hosts are the same choice', () => {
    const [here, there] = ['a', 'b'].map((host) => basis([device(`${host}:0`, 10), device(`${host}:1`, 20)], [[0, 1]]));
    expect(namelessBasis(here!, [0, 1])).toEqual(namelessBasis(there!, [0, 1]));
    expect(namelessBasis(here!, [1])).toMatchObject({ devices: [{ label: '#0' }], links: [[undefined]] });
  });
});

it('knows the speeds only where it knows all of them', () => {
  expect(speedsAreKnown([device('a', 10), device('b')])).toBe(false);
  expect(speedsAreKnown([device('a', 10), device('b', 10)])).toBe(true);
});
