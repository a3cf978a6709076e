import type { ClockEventReasons } from '../nvidia-gpu';
import type { FieldSource, FieldTable } from './field-table';
import { field } from './field-table';
import { HEX_MASK, YES_NO } from './value-reader';

export const CLOCK_EVENT_FIELDS: FieldTable<ClockEventReasons> = {
  gpuIdle: reason('gpu_idle'),
  // The same bit under its older name.
  applicationsClocksSetting: reason('applications_clocks_setting', 'user_defined_clocks'),
  swPowerCap: reason('sw_power_cap'),
  hwSlowdown: reason('hw_slowdown'),
  hwThermalSlowdown: reason('hw_thermal_slowdown'),
  hwPowerBrakeSlowdown: reason('hw_power_brake_slowdown'),
  syncBoost: reason('sync_boost'),
  swThermalSlowdown: reason('sw_thermal_slowdown'),
  displayClocksSetting: reason('display_clocks_setting'),
  unknown: reason('unknown'),
};

/** All active reasons in one number, in CSV only. */
export const CLOCK_EVENT_MASK = field(HEX_MASK, '', 'clocks_event_reasons.active clocks_throttle_reasons.active');

/** Those that the GPU can report at all. */
export const CLOCK_EVENT_SUPPORTED_MASK = field(
  HEX_MASK,
  '',
  'clocks_event_reasons.supported clocks_throttle_reasons.supported',
);

/** Bits of the mask: nvmlClocksEventReasons in NVIDIA's nvml.h. */
const BITS: Record<keyof ClockEventReasons, bigint> = {
  gpuIdle: 0x1n,
  applicationsClocksSetting: 0x2n,
  swPowerCap: 0x4n,
  hwSlowdown: 0x8n,
  syncBoost: 0x10n,
  swThermalSlowdown: 0x20n,
  hwThermalSlowdown: 0x40n,
  hwPowerBrakeSlowdown: 0x80n,
  displayClocksSetting: 0x100n,
  unknown: 0x8000000000000000n,
};

export interface ClockEventMasks {
  readonly active: bigint | null;
  readonly supported: bigint | null;
}

/** Reasons that have no column of their own, from the masks. A clear bit of one that is not supported says nothing. */
export function withMasks(reasons: ClockEventReasons, { active, supported }: ClockEventMasks): ClockEventReasons {
  if (active === null) return reasons;
  const keys = Object.keys(reasons) as (keyof ClockEventReasons)[];
  const fromMasks = (bit: bigint): boolean | null => {
    if ((active & bit) !== 0n) return true;
    return supported !== null && (supported & bit) === 0n ? null : false;
  };
  const entries = keys.map((key) => [key, reasons[key] ?? fromMasks(BITS[key])]);
  return Object.fromEntries(entries) as ClockEventReasons;
}

function reason(...names: readonly string[]): FieldSource<boolean> {
  const of = (pattern: (name: string, word: string) => string): string =>
    names.flatMap((name) => ['event', 'throttle'].map((word) => pattern(name, word))).join(' ');
  return field(
    YES_NO,
    of((name, word) => `clocks_${word}_reasons/clocks_${word}_reason_${name}`),
    of((name, word) => `clocks_${word}_reasons.${name}`),
  );
}
