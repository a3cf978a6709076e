import { expect, it } from 'vitest';
import { executionSchedule } from '../execution-schedule';
import { weightFollowsInput } from './weight-follows-input';

const follows = (name: string, ranks: number, chunks: number): boolean[] =>
  weightFollowsInput(executionSchedule({ name, ranks, microBatches: 6, chunks }).schedule);

it.each([
  ['gpipe', 3, 1],
  ['1f1b', 3, 1],
  ['interleaved', 3, 2],
  ['looped-bfs', 2, 2],
] as const)('finds that %s computes W after I', (name, ranks, chunks) => {
  expect(follows(name, ranks, chunks)).toEqual(Array.from({ length: ranks * chunks }, () => true));
});

it.each([
  ['zb-h1', 3, 1],
  ['zb-h2', 3, 1],
  ['zb-v', 3, 2],
] as const)('finds that %s defers W', (name, ranks, chunks) => {
  expect(follows(name, ranks, chunks)).toContain(false);
});
