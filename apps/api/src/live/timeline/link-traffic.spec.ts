import type { agentV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { linkTraffic } from './link-traffic';

const batch = (
  rank: number,
  step: number,
  { sent = [], countedMs = 0 }: Partial<Pick<agentV1.TraceBatch, 'sent' | 'countedMs'>>,
): agentV1.TraceBatch => ({ ...{ runId: 'run_a', fence: 1, rank, step, spans: [] }, sent, countedMs });

describe('linkTraffic', () => {
  it('adds up by sender, receiver and purpose, and divides by the steps and by their time', () => {
    const links = linkTraffic([
      batch(0, 3, {
        sent: [
          { toRank: 1, edge: 'commit', frames: 1, bytes: 100 },
          { toRank: 1, edge: 'activation', frames: 4, bytes: 4000 },
        ],
        countedMs: 500,
      }),
      batch(1, 3, { sent: [{ toRank: 0, edge: 'gradient', frames: 4, bytes: 4000 }], countedMs: 250 }),
      // What a validation pass sent is counted separately from the step.
      batch(0, 9, {
        sent: [
          { toRank: 1, edge: 'activation', frames: 4, bytes: 4000 },
          { toRank: 1, edge: 'evaluation', frames: 2, bytes: 2000 },
        ],
        countedMs: 1500,
      }),
    ]);
    expect(links).toEqual([
      { fromRank: 0, toRank: 1, edge: 'activation', framesPerStep: 4, bytesPerStep: 4000, bytesPerSecond: 4000 },
      { fromRank: 0, toRank: 1, edge: 'evaluation', framesPerStep: 1, bytesPerStep: 1000, bytesPerSecond: 1000 },
      { fromRank: 0, toRank: 1, edge: 'commit', framesPerStep: 0.5, bytesPerStep: 50, bytesPerSecond: 50 },
      { fromRank: 1, toRank: 0, edge: 'gradient', framesPerStep: 4, bytesPerStep: 4000, bytesPerSecond: 16_000 },
    ]);
  });

  it('is empty for one rank, and has no speed without a time', () => {
    expect(linkTraffic([batch(0, 1, { countedMs: 10 })])).toEqual([]);
    const [link] = linkTraffic([batch(0, 1, { sent: [{ toRank: 1, edge: 'tied', frames: 1, bytes: 8 }] })]);
    expect(link).toMatchObject({ bytesPerStep: 8, bytesPerSecond: 0 });
  });
});
