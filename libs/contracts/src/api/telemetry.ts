import { z } from 'zod';

const unknownIsNull = z.number().nullable();

/** What an agent's device did when it last told. Null is unknown, never 0. */
export const deviceTelemetrySchema = z
  .object({
    /** When the API got it. */
    time: z.string(),
    /** nvidia-smi | drm | host */
    source: z.string(),
    modelName: z.string().nullable(),
    uuid: z.string().nullable(),
    utilizationPercent: unknownIsNull,
    memoryUsedBytes: unknownIsNull,
    memoryTotalBytes: unknownIsNull,
    temperatureC: unknownIsNull,
    powerW: unknownIsNull,
    powerLimitW: unknownIsNull,
    smClockMhz: unknownIsNull,
    memoryClockMhz: unknownIsNull,
    /** Of the host, mean of the last minute. */
    loadAverage: unknownIsNull,
    hostMemoryUsedBytes: unknownIsNull,
    hostMemoryTotalBytes: unknownIsNull,
  })
  .meta({ id: 'DeviceTelemetry' });
export type DeviceTelemetryBody = z.output<typeof deviceTelemetrySchema>;

/** What is kept over time; the rest is told of the last moment only. */
export const TELEMETRY_SERIES = [
  'utilizationPercent',
  'memoryUsedBytes',
  'memoryTotalBytes',
  'temperatureC',
  'powerW',
  'loadAverage',
  'hostMemoryUsedBytes',
] as const;
export type TelemetrySeriesName = (typeof TELEMETRY_SERIES)[number];

/** Ascending by time; a null is a time of which nothing is known. */
const telemetryPointsSchema = z.array(z.object({ time: z.string(), value: unknownIsNull }));

const seriesShape = Object.fromEntries(TELEMETRY_SERIES.map((name) => [name, telemetryPointsSchema])) as Record<
  TelemetrySeriesName,
  typeof telemetryPointsSchema
>;

export const telemetrySeriesSchema = z.object({ series: z.object(seriesShape) }).meta({ id: 'TelemetrySeries' });
export type TelemetrySeriesBody = z.output<typeof telemetrySeriesSchema>;
