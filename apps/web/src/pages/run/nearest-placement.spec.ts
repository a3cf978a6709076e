import { describe, expect, it } from 'vitest';
import { readNearest } from './nearest-placement';

describe('the nearest placement of a queued run', () => {
  it('names devices with what keeps the run from them', () => {
    const nearest = {
      devices: [{ name: 'gpu-1:0', agentId: 'agent_1', obstacles: ['run run_2 holds it'] }],
      missingDevices: 1,
    };
    expect(readNearest(nearest)).toEqual({
      devices: [{ name: 'gpu-1:0', obstacles: ['run run_2 holds it'] }],
      missingDevices: 1,
    });
  });

  it('is nothing where the reason has none', () => {
    for (const none of [undefined, null, 'text', {}, { devices: [], missingDevices: 0 }])
      expect(readNearest(none)).toBeUndefined();
  });
});
