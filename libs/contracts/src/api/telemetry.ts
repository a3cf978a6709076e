import { z } from 'zod';

const unknownIsNull = z.number().nullable();

/** What an agent's device did when the agent last reported it. Null means unknown; it is never written as 0. */
export const deviceTelemetrySchema = z
  .object({
    /** When the API received it. */
    time: z.string(),
    /** One of nvidia-smi, drm and host. */
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
    /** The host's mean over the last minute. */
    loadAverage: unknownIsNull,
    hostMemoryUsedBytes: unknownIsNull,
    hostMemoryTotalBytes: unknownIsNull,
  })
  .meta({ id: 'DeviceTelemetry' });
export type DeviceTelemetryBody = z.output<typeof deviceTelemetrySchema>;

/** The values that are kept over time; of the others only the last one is known. */
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

/** In ascending order of time; a null is a time about which nothing is known. */
const telemetryPointsSchema = z.array(z.object({ time: z.string(), value: unknownIsNull }));

const seriesShape = Object.fromEntries(TELEMETRY_SERIES.map((name) => [name, telemetryPointsSchema])) as Record<
  TelemetrySeriesName,
  typeof telemetryPointsSchema
>;

export const telemetrySeriesSchema = z.object({ series: z.object(seriesShape) }).meta({ id: 'TelemetrySeries' });
export type TelemetrySeriesBody = z.output<typeof telemetrySeriesSchema>;
