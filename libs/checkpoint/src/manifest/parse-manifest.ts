import { createHash } from 'node:crypto';
import { manifestInvalid } from '../checkpoint.errors';
import { canonicalJson } from './canonical-json';
import type { Manifest, ManifestTensor } from './manifest';

const F32_BYTES = 4;
const SHA256 = /^[0-9a-f]{64}$/;

/** SHA-256 of the canonical JSON: equal manifests have equal digests. */
export function manifestDigest(manifest: Manifest): string {
  return createHash('sha256').update(canonicalJson(manifest)).digest('hex');
}

/** Bytes of all blocks, each distinct one once. */
export function manifestBytes(manifest: Manifest): number {
  const bytesOf = new Map(
    manifest.tensors.flatMap(({ blocks }) => blocks.map(({ sha256, bytes }) => [sha256, bytes])),
  );
  return [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Checks a stored or received manifest. Error: CHECKPOINT.MANIFEST_INVALID with the JSON pointer of what is wrong.
 */
export function parseManifest(value: unknown): Manifest {
  const root = objectAt(value, '', [
    'version',
    'runId',
    'step',
    'model',
    'dataPosition',
    'rng',
    'optimizer',
    'tensors',
  ]);
  if (root['version'] !== 1) throw manifestInvalid('/version', `is ${show(root['version'])}, this version reads 1`);
  if (root['runId'] !== null && typeof root['runId'] !== 'string')
    throw manifestInvalid('/runId', 'must be a string or null');
  integerAt(root['step'], '/step', 0);
  checkModel(root['model']);
  for (const key of ['dataPosition', 'rng']) objectAt(root[key], `/${key}`);
  if (root['optimizer'] !== null) objectAt(root['optimizer'], '/optimizer');
  const tensors = listAt(root['tensors'], '/tensors');
  const seen = new Set<string>();
  tensors.forEach((tensor, index) => checkTensor(tensor, `/tensors/${index}`, seen));
  return value as Manifest;
}

function checkModel(value: unknown): void {
  const sizes = ['layers', 'hidden', 'ffn', 'context', 'vocab'];
  const model = objectAt(value, '/model', ['family', 'heads', 'tieEmbeddings', ...sizes]);
  if (model['family'] !== 'gpt2')
    throw manifestInvalid('/model/family', `is ${show(model['family'])}, must be "gpt2"`);
  for (const key of sizes) integerAt(model[key], `/model/${key}`, 1);
  if (model['heads'] !== null) integerAt(model['heads'], '/model/heads', 1);
  if (typeof model['tieEmbeddings'] !== 'boolean')
    throw manifestInvalid('/model/tieEmbeddings', 'must be true or false');
}

function checkTensor(value: unknown, path: string, seen: Set<string>): void {
  const tensor = objectAt(value, path, ['name', 'kind', 'dtype', 'shape', 'blocks']) as unknown as ManifestTensor;
  if (typeof tensor.name !== 'string' || tensor.name === '') throw manifestInvalid(`${path}/name`, 'must be a name');
  if (!['weight', 'm', 'v'].includes(tensor.kind)) throw manifestInvalid(`${path}/kind`, 'must be weight, m or v');
  if (tensor.dtype !== 'f32') throw manifestInvalid(`${path}/dtype`, `is ${show(tensor.dtype)}, must be "f32"`);
  const key = `${tensor.kind} ${tensor.name}`;
  if (seen.has(key)) throw manifestInvalid(path, `is a second ${key}`);
  seen.add(key);
  const shape = listAt(tensor.shape, `${path}/shape`);
  const needed = shape.reduce<number>(
    (product, size, index) => product * integerAt(size, `${path}/shape/${index}`, 1),
    F32_BYTES,
  );
  const blocks = listAt(tensor.blocks, `${path}/blocks`);
  const found = blocks.reduce<number>((sum, block, index) => sum + blockBytes(block, `${path}/blocks/${index}`), 0);
  if (found !== needed) throw manifestInvalid(`${path}/blocks`, `hold ${found} bytes, the shape needs ${needed}`);
}

function blockBytes(value: unknown, path: string): number {
  const block = objectAt(value, path, ['sha256', 'bytes']);
  if (typeof block['sha256'] !== 'string' || !SHA256.test(block['sha256'])) {
    throw manifestInvalid(`${path}/sha256`, 'must be a SHA-256 in lower-case hexadecimal');
  }
  return integerAt(block['bytes'], `${path}/bytes`, 1);
}

/** With `keys`: exactly these members. */
function objectAt(value: unknown, path: string, keys?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw manifestInvalid(path, 'must be an object');
  const unknownKey = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (unknownKey !== undefined) throw manifestInvalid(`${path}/${unknownKey}`, 'is not a known key');
  const missingKey = keys?.find((key) => !Object.hasOwn(value, key));
  if (missingKey !== undefined) throw manifestInvalid(`${path}/${missingKey}`, 'is missing');
  return value as Record<string, unknown>;
}

function listAt(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw manifestInvalid(path, 'must be a list');
  return value;
}

function integerAt(value: unknown, path: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw manifestInvalid(path, `is ${show(value)}, must be an integer of at least ${least}`);
  }
  return value as number;
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
