import { expect, it } from 'vitest';
import { LogsRepository } from '../../ledger/logs/logs.repository';
import { type NamedPoint, SeriesRepository } from '../../ledger/metrics/series.repository';
import { TraceStore } from '../../ground/tracing/trace-store';
import { RunWatch } from './run-watch';

/** A run whose points are in an array; it writes no lines. */
function watched(points: NamedPoint[]): RunWatch {
  const series = Object.create(SeriesRepository.prototype) as SeriesRepository;
  const ofName = (name: string): NamedPoint[] => points.filter((point) => point.name === name);
  series.newest = () =>
    Promise.resolve([...new Set(points.map(({ name }) => name))].map((name) => ofName(name).at(-1)!));
  series.between = ({ name, after, before, limit }) =>
    Promise.resolve(
      ofName(name)
        .filter(({ step }) => step > after && step < before)
        .slice(-limit),
    );
  const logs = Object.create(LogsRepository.prototype) as LogsRepository;
  logs.newestId = () => Promise.resolve(0n);
  logs.page = () => Promise.resolve([]);
  return new RunWatch('run_1', { series, logs, traces: new TraceStore() });
}

const loss = (step: number): NamedPoint => ({ name: 'train/loss', step, value: 5 - step / 100 });
const steps = async (watch: RunWatch): Promise<number[]> =>
  (await watch.look()).map(({ data }) => (data as NamedPoint).step);

it('tells every point since the last look, in order and once', async () => {
  const points = [loss(1), loss(2)];
  const watch = watched(points);
  expect(await steps(watch)).toEqual([]);
  points.push(loss(3));
  expect(await steps(watch)).toEqual([3]);
  points.push(...[4, 5, 6, 7].map(loss));
  expect(await steps(watch)).toEqual([4, 5, 6, 7]);
  expect(await steps(watch)).toEqual([]);
});

it('tells the newest of more points than a look has room for', async () => {
  const points = [loss(1)];
  const watch = watched(points);
  await watch.look();
  for (let step = 2; step <= 200; step++) points.push(loss(step));
  const told = await steps(watch);
  expect(told).toHaveLength(51);
  expect([told[0], told.at(-1)]).toEqual([150, 200]);
});
