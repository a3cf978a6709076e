import type { TelemetrySeriesBody } from '@millrace/contracts';
import { expect, it } from 'vitest';
import { withSample } from './telemetry-series';

const at = (seconds: number): string => new Date(1_700_000_000_000 + seconds * 1000).toISOString();
const series = {
  powerW: [
    { time: at(0), value: 50 },
    { time: at(5), value: 60 },
  ],
  temperatureC: [{ time: at(5), value: null }],
} as unknown as TelemetrySeriesBody['series'];

it('adds what the stream told, unknown as null, and drops what is too old', () => {
  expect(withSample(series, { time: at(10), powerW: 70 }, Date.parse(at(5)))).toEqual({
    powerW: [
      { time: at(5), value: 60 },
      { time: at(10), value: 70 },
    ],
    temperatureC: [
      { time: at(5), value: null },
      { time: at(10), value: null },
    ],
  });
});

it('adds nothing that the answer held already', () => {
  expect(withSample(series, { time: at(5), powerW: 99 }, 0)).toEqual(series);
});
