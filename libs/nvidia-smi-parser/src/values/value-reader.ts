/** Turns the text of one value into what it means, or into null. */
export interface ValueReader<T> {
  /** Units it may carry, all of the same size; empty where none is printed. */
  readonly units: readonly string[];
  /** `text` is trimmed, not empty, no "N/A", and without its unit. */
  readonly read: (text: string) => T | null;
}

interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly isInteger?: boolean;
}

// No exponent, no leading zero, no comma, and few enough digits that a double holds the value as printed.
const DECIMAL = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?$/;

/** A decimal number; null outside the range, where it cannot be what the field is about. */
export function numberReader(units: readonly string[], range: NumberRange = {}): ValueReader<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, isInteger = false } = range;
  return {
    units,
    read: (text) => {
      if (!DECIMAL.test(text) || text.replace(/\D/g, '').length > 15) return null;
      const value = Number(text);
      return value < min || value > max || (isInteger && !Number.isInteger(value)) ? null : value;
    },
  };
}

export const COUNT = numberReader([], { isInteger: true });
export const PERCENT = numberReader(['%'], { max: 100 });
/** A fan may turn faster than its nominal maximum. */
export const FAN_PERCENT = numberReader(['%']);
/** The oldest drivers print MB and mean 2^20 bytes too. */
export const MIB = numberReader(['MiB', 'MB']);
export const WATTS = numberReader(['W']);
export const CELSIUS = numberReader(['C'], { min: -273 });
export const MHZ = numberReader(['MHz']);
export const MILLIVOLTS = numberReader(['mV']);
export const KB_PER_SECOND = numberReader(['KB/s']);
export const LANES = numberReader(['x'], { isInteger: true });

/** Two words for yes and no, as the field prints them. */
export const YES_NO: ValueReader<boolean> = {
  units: [],
  read: (text) => {
    if (/^(Enabled|Active|Yes|1)$/i.test(text)) return true;
    if (/^(Disabled|Not Active|No|0)$/i.test(text)) return false;
    return null;
  },
};

/** Text as printed; null when a broken byte is in it, since it is no longer what the driver said. */
export const TEXT: ValueReader<string> = { units: [], read: (text) => (text.includes('\uFFFD') ? null : text) };

/** A name for people, worth showing even with a broken byte. */
export const PROCESS_NAME: ValueReader<string> = { units: [], read: (text) => text };

/** A mask of bits, in hexadecimal. */
export const HEX_MASK: ValueReader<bigint> = {
  units: [],
  read: (text) => (/^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : null),
};

/** Whether a bare number stands for one in the field's unit: yes in CSV `nounits`, no in XML. */
export type UnitPolicy = 'required' | 'optional';

/** The value that `text` states; null for what nvidia-smi calls unknown and for what is not understood. */
export function readValue<T>(reader: ValueReader<T>, text: string, policy: UnitPolicy): T | null {
  const trimmed = text.trim();
  if (isUnknown(trimmed)) return null;
  if (reader.units.length === 0) return reader.read(trimmed);
  const unit = reader.units.find((candidate) => trimmed.endsWith(candidate));
  if (unit !== undefined) return reader.read(trimmed.slice(0, -unit.length).trimEnd());
  return policy === 'optional' ? reader.read(trimmed) : null;
}

const UNKNOWN = [
  'n/a',
  'not supported',
  'unknown error',
  'unknown',
  'err!',
  'not found',
  'insufficient permissions',
  'gpu is lost',
  'no data',
  'requested functionality has been deprecated',
  'gpu requires reset',
  'uninitialized',
  'invalid argument',
];

/** nvidia-smi's words for "no value". Whatever stands in brackets is one of them, and new ones come with drivers. */
export function isUnknown(text: string): boolean {
  return text === '' || /^\[.*\]$/s.test(text) || UNKNOWN.includes(text.toLowerCase());
}
