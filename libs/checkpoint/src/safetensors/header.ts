import {
  dtypeUnknown,
  headerInvalid,
  offsetsHole,
  offsetsOutOfRange,
  offsetsOverlap,
  shapeBytesMismatch,
} from '../checkpoint.errors';
import { fileTrailing, tensorDuplicate } from '../checkpoint.errors';
import { duplicateKey } from '@millrace/core';
import { headerSize, type HeaderSize } from './header-size';

/** The most values in a header, including those in shapes and metadata: sixteen for each tensor. */
const VALUES_MAX = 262_144;

/** The reference reader stops at this depth as well. */
const DEPTH_MAX = 127;

/** Bytes of one element of each dtype of the format. */
export const SAFETENSORS_DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type SafetensorsDType = keyof typeof SAFETENSORS_DTYPE_BYTES;

export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Byte positions after the header: [begin, end). */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their data in the file. */
  readonly entries: readonly SafetensorsEntry[];
}

/**
 * The largest header that is read. The reference implementation (github.com/huggingface/safetensors) accepts 100 MB,
 * which would occupy a thread for many seconds; 16,384 tensors with long names need a quarter of this.
 */
export const HEADER_BYTES_MAX = 16 * 1024 * 1024;

/** The most tensors in one file; reading a header with so many takes a tenth of a second. */
export const TENSORS_MAX = 16_384;

/**
 * Parses and checks the JSON header of a file with `dataBytes` bytes after it. Errors: CHECKPOINT.HEADER_INVALID,
 * TENSOR_DUPLICATE, DTYPE_UNKNOWN, SHAPE_BYTES_MISMATCH, OFFSETS_OVERLAP, OFFSETS_HOLE, OFFSETS_OUT_OF_RANGE,
 * FILE_TRAILING.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  const root = parseObject(bytes);
  let metadata: Record<string, string> = {};
  const entries: SafetensorsEntry[] = [];
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') metadata = checkedMetadata(value);
    else entries.push(checkedEntry(name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, dataBytes);
  return { metadata, entries };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  // The format requires '{' as the first byte, which also excludes a byte order mark.
  if (bytes[0] !== 0x7b) throw headerInvalid('it does not begin with "{"');
  checkSize(headerSize(bytes));
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw headerInvalid('it is not JSON in UTF-8', error);
  }
  const duplicate = duplicateKey(text);
  if (duplicate?.depth === 1) throw tensorDuplicate(duplicate.key);
  if (duplicate !== undefined)
    throw headerInvalid(`it has the key ${JSON.stringify(duplicate.key)} twice in one object`);
  return value as Record<string, unknown>;
}

function checkSize({ values, depth, members }: HeaderSize): void {
  // `__metadata__` is a member too.
  if (members > TENSORS_MAX + 1)
    throw headerInvalid(`it has ${members} tensors, at most ${TENSORS_MAX} are allowed; split the file`);
  if (values > VALUES_MAX) throw headerInvalid(`it has ${values} values, at most ${VALUES_MAX} are allowed`);
  if (depth > DEPTH_MAX) throw headerInvalid(`it nests ${depth} levels deep, at most ${DEPTH_MAX} are allowed`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkedMetadata(value: unknown): Record<string, string> {
  // The reference reader accepts null as no metadata.
  if (value === null) return {};
  if (!isObject(value)) throw headerInvalid('__metadata__ is not an object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw headerInvalid(`__metadata__ has a ${typeof text} for ${JSON.stringify(key)}, not a string`);
  }
  return value as Record<string, string>;
}

function checkedEntry(name: string, value: unknown): SafetensorsEntry {
  const quoted = JSON.stringify(name);
  if (!isObject(value)) throw headerInvalid(`tensor ${quoted} is not an object`);
  // Further keys are ignored, as the reference reader does.
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(SAFETENSORS_DTYPE_BYTES, dtype)) throw dtypeUnknown(name, dtype);
  if (!isSizes(shape)) throw headerInvalid(`tensor ${quoted} has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw headerInvalid(`tensor ${quoted} has no valid data_offsets`);
  const [begin = 0, end = 0] = offsets;
  if (end < begin) throw headerInvalid(`tensor ${quoted} ends at ${end}, before it begins at ${begin}`);
  const needed = shape.reduce((product, size) => product * size, SAFETENSORS_DTYPE_BYTES[dtype as SafetensorsDType]);
  // A product beyond 2^53 is inexact, but it is then also larger than any offset.
  if (needed !== end - begin) throw shapeBytesMismatch(name, shape, { needed, found: end - begin });
  return { name, dtype: dtype as SafetensorsDType, shape, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

/** Every byte of the data belongs to exactly one tensor. */
function checkCoverage(entries: readonly SafetensorsEntry[], dataBytes: number): void {
  let previousEnd = 0;
  for (const { name, begin, end } of entries) {
    if (begin < previousEnd) throw offsetsOverlap(name, begin, previousEnd);
    if (begin > previousEnd) throw offsetsHole(name, begin, previousEnd);
    if (end > dataBytes) throw offsetsOutOfRange(name, end, dataBytes);
    previousEnd = end;
  }
  if (previousEnd !== dataBytes) throw fileTrailing(previousEnd, dataBytes);
}
