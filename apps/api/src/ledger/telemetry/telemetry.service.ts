import { Inject, Injectable } from '@nestjs/common';
import {
  type agentV1,
  type DeviceTelemetryBody,
  storableText,
  TELEMETRY_SERIES,
  type TelemetrySeriesBody,
  type TelemetrySeriesName,
} from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { CLOCK } from '../../ground/config/api-logger';
import { DatabaseClock } from '../../ground/database/database-clock';
import { TelemetryRepository, type TelemetryRow } from './telemetry.repository';

/** How long telemetry is kept. For longer, Prometheus keeps what /metrics shows. */
export const TELEMETRY_KEPT_MS = 6 * 3_600_000;
const STORED_EVERY_MS = 1_000;
const KNOWN_AGENTS_MAX = 10_000;
/** Agents report every 5 s: if there was no report for longer than this, a chart has a gap. */
const GAP_MS = 30_000;
const TEXT_MAX = 200;

export interface TelemetryQuery {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly points: number;
}

/** Stores and returns what devices did in the last hours. */
@Injectable()
export class TelemetryService {
  private readonly storedAtMs = new Map<string, number>();

  constructor(
    private readonly repository: TelemetryRepository,
    private readonly time: DatabaseClock,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Its time is that of its arrival, since agents' clocks differ. Samples that come faster than once a second are left
   * out.
   */
  async store(agentId: string, sample: agentV1.DeviceTelemetry): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - (this.storedAtMs.get(agentId) ?? -Infinity) < STORED_EVERY_MS) return;
    if (this.storedAtMs.size >= KNOWN_AGENTS_MAX) this.storedAtMs.clear();
    this.storedAtMs.set(agentId, nowMs);
    const time = await this.time.now();
    await this.repository.store(agentId, time, telemetryBody(sample, time));
  }

  async series(agentId: string, query: TelemetryQuery): Promise<TelemetrySeriesBody> {
    const to = query.to ?? (await this.time.after(1));
    const from = query.from ?? new Date(to.getTime() - TELEMETRY_KEPT_MS);
    const rows = from < to ? await this.repository.range({ agentId, from, to, points: query.points }) : [];
    const gapMs = Math.max(GAP_MS, (2 * (to.getTime() - from.getTime())) / query.points);
    const entries = TELEMETRY_SERIES.map((name) => [name, pointsOf(rows, name, gapMs)] as const);
    return { series: Object.fromEntries(entries) as TelemetrySeriesBody['series'] };
  }

  async prune(): Promise<void> {
    await this.repository.prune(await this.time.after(-TELEMETRY_KEPT_MS));
  }
}

type Points = TelemetrySeriesBody['series'][TelemetrySeriesName];

/** A null in the middle of a gap shows that nothing was reported there. */
function pointsOf(rows: readonly TelemetryRow[], name: TelemetrySeriesName, gapMs: number): Points {
  return rows.flatMap((row, index) => {
    const point = { time: row.time.toISOString(), value: row[name] };
    const beforeMs = rows[index - 1]?.time.getTime() ?? row.time.getTime();
    if (row.time.getTime() - beforeMs <= gapMs) return [point];
    return [{ time: new Date((beforeMs + row.time.getTime()) / 2).toISOString(), value: null }, point];
  });
}

/**
 * The body of a sample. The agent's values may be anything: one that is not a number, or below 0, counts as unknown.
 */
function telemetryBody(sample: agentV1.DeviceTelemetry, time: Date): DeviceTelemetryBody {
  return {
    time: time.toISOString(),
    source: text(sample.source) ?? 'unknown',
    modelName: text(sample.modelName),
    uuid: text(sample.uuid),
    utilizationPercent: known(sample.utilizationPercent),
    memoryUsedBytes: known(sample.memoryUsedBytes),
    memoryTotalBytes: known(sample.memoryTotalBytes),
    temperatureC: known(sample.temperatureC, -273.15),
    powerW: known(sample.powerW),
    powerLimitW: known(sample.powerLimitW),
    smClockMhz: known(sample.smClockMhz),
    memoryClockMhz: known(sample.memoryClockMhz),
    loadAverage: known(sample.loadAverage),
    hostMemoryUsedBytes: known(sample.hostMemoryUsedBytes),
    hostMemoryTotalBytes: known(sample.hostMemoryTotalBytes),
  };
}

function known(value: number | undefined, min = 0): number | null {
  return value !== undefined && Number.isFinite(value) && value >= min ? value : null;
}

function text(given: string): string | null {
  return given !== '' && given.length <= TEXT_MAX && storableText.safeParse(given).success ? given : null;
}
