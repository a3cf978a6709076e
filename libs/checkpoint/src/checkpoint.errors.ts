import { AppError } from '@millrace/core';

/** Every failure of this library that its caller or the disk has caused; docs/errors.md describes each code. */

type Details = Readonly<Record<string, unknown>>;

function invalid(code: string, message: string, details?: Details): AppError {
  return new AppError({ code: `CHECKPOINT.${code}`, kind: 'invalid', message, details });
}

const SEND_AGAIN = 'the file is cut or was changed; write or send it again';

export function fileTruncated(needed: number, bytes: number, what: string): AppError {
  return invalid('FILE_TRUNCATED', `${what} needs ${needed} bytes, but the file has ${bytes}; ${SEND_AGAIN}`, {
    needed,
    bytes,
  });
}

export function fileTrailing(dataBytes: number, bytes: number): AppError {
  return invalid(
    'FILE_TRAILING',
    `the tensors end at byte ${dataBytes}, but the file goes on to ${bytes}; ${SEND_AGAIN}`,
    { dataBytes, bytes },
  );
}

export function headerTooLong(headerBytes: bigint, limit: number): AppError {
  return invalid(
    'HEADER_TOO_LONG',
    `the header claims ${headerBytes} bytes, at most ${limit} are allowed; this is probably not a safetensors file`,
    { headerBytes: headerBytes.toString(), limit },
  );
}

export function headerInvalid(reason: string, cause?: unknown): AppError {
  return new AppError({
    code: 'CHECKPOINT.HEADER_INVALID',
    kind: 'invalid',
    cause,
    message: `the safetensors header is not valid: ${reason}`,
  });
}

export function tensorDuplicate(name: string): AppError {
  return invalid('TENSOR_DUPLICATE', `tensor ${JSON.stringify(name)} is in the file twice; keep one`, { name });
}

export function dtypeUnknown(name: string, dtype: unknown): AppError {
  return invalid('DTYPE_UNKNOWN', `tensor ${JSON.stringify(name)} has the unknown dtype ${JSON.stringify(dtype)}`, {
    name,
    dtype,
  });
}

export function dtypeUnsupported(name: string, dtype: string): AppError {
  return invalid(
    'DTYPE_UNSUPPORTED',
    `tensor ${JSON.stringify(name)} is ${dtype}; weights are read from F32, F16, BF16 and F64, so convert it`,
    { name, dtype },
  );
}

/** A model whose weights became NaN can neither generate nor be trained, but would show it only later. */
export function weightNotFinite(name: string, element: number, value: number): AppError {
  return invalid(
    'WEIGHT_NOT_FINITE',
    `element ${element} of tensor ${JSON.stringify(name)} is ${value} as F32: the model is of no use; take an ` +
      'earlier checkpoint of it, or one whose weights F32 can hold',
    { name, element, value: String(value) },
  );
}

export function shapeBytesMismatch(name: string, shape: readonly number[], bytes: Details): AppError {
  return invalid(
    'SHAPE_BYTES_MISMATCH',
    `tensor ${JSON.stringify(name)} of shape [${shape.join(', ')}] needs ${String(bytes['needed'])} bytes, ` +
      `but has ${String(bytes['found'])}`,
    { name, shape, ...bytes },
  );
}

export function offsetsOverlap(name: string, begin: number, previousEnd: number): AppError {
  return invalid(
    'OFFSETS_OVERLAP',
    `tensor ${JSON.stringify(name)} begins at ${begin}, before the one in front of it ends (${previousEnd})`,
    { name, begin, previousEnd },
  );
}

export function offsetsHole(name: string, begin: number, previousEnd: number): AppError {
  return invalid(
    'OFFSETS_HOLE',
    `tensor ${JSON.stringify(name)} begins at ${begin}, but the one in front of it ends at ${previousEnd}`,
    { name, begin, previousEnd },
  );
}

export function offsetsOutOfRange(name: string, end: number, dataBytes: number): AppError {
  return invalid(
    'OFFSETS_OUT_OF_RANGE',
    `tensor ${JSON.stringify(name)} ends at byte ${end} of ${dataBytes} bytes of data; ${SEND_AGAIN}`,
    { name, end, dataBytes },
  );
}

export function tensorUnknown(name: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.TENSOR_UNKNOWN',
    kind: 'not_found',
    message: `tensor ${JSON.stringify(name)} is not in the file`,
    details: { name },
  });
}

export interface TensorDifferences {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  /** Each entry is a phrase such as "name is [2, 3], must be [3, 2]". */
  readonly wrongShapes: readonly string[];
}

/** How many names a message lists; a wrong file can have thousands. */
const LISTED_MAX = 8;

function listed(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const more = lines.length > LISTED_MAX ? ` and ${lines.length - LISTED_MAX} more` : '';
  return `; ${title}: ${lines.slice(0, LISTED_MAX).join(', ')}${more}`;
}

export function tensorsMismatch(model: string, differences: TensorDifferences): AppError {
  const { missing, unexpected, wrongShapes } = differences;
  return new AppError({
    code: 'CHECKPOINT.TENSORS_MISMATCH',
    kind: 'invalid',
    message:
      `the tensors are not those of ${model}` +
      listed('missing', missing) +
      listed('unexpected', unexpected) +
      listed('wrong shape', wrongShapes) +
      '; choose the model configuration that the file was made with',
    details: { ...differences },
  });
}

export function modelUnknown(families: readonly string[], reason: string): AppError {
  const known = families.join(' or ');
  return invalid('MODEL_UNKNOWN', `this is not a ${known} model with Hugging Face names: ${reason}`);
}

export function blockNameInvalid(sha256: string): AppError {
  return invalid('BLOCK_NAME_INVALID', `${JSON.stringify(sha256)} is not a SHA-256 in lower-case hexadecimal`);
}

export function blockMissing(sha256: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.BLOCK_MISSING',
    kind: 'not_found',
    message: `block ${sha256} is not in the store`,
    details: { sha256 },
  });
}

export function blockCorrupt(sha256: string, found: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.BLOCK_CORRUPT',
    kind: 'internal',
    message: `block ${sha256} has the hash ${found}; it was damaged on the way or on disk, write it again`,
    details: { sha256, found },
  });
}

export function blocksWrongSize(name: string, needed: number, found: number): AppError {
  return new AppError({
    code: 'CHECKPOINT.BLOCKS_WRONG_SIZE',
    kind: 'internal',
    message: `the blocks of tensor ${JSON.stringify(name)} hold ${found} bytes, not ${needed}`,
    details: { name, needed, found },
  });
}

export function diskFull(
  folder: string,
  sizes: { neededBytes?: number; freeBytes?: number },
  cause?: unknown,
): AppError {
  const { neededBytes, freeBytes } = sizes;
  const numbers = neededBytes === undefined ? '' : `: ${neededBytes} bytes are needed and ${freeBytes} are free`;
  return new AppError({
    code: 'CHECKPOINT.DISK_FULL',
    kind: 'exhausted',
    cause,
    message: `the disk of ${folder} is too full${numbers}; free some space or keep fewer checkpoints`,
    details: { folder, ...sizes },
  });
}

export function storageFailed(path: string, cause: unknown): AppError {
  // A quota that is used up counts too.
  if (['ENOSPC', 'EDQUOT'].includes(String((cause as { code?: unknown } | null)?.code)))
    return diskFull(path, {}, cause);
  return new AppError({
    code: 'CHECKPOINT.STORAGE_FAILED',
    kind: 'internal',
    cause,
    message: `cannot read or write ${path}`,
    details: { path },
  });
}
