import type { ModelConfig } from '@millrace/core';
import { dtypeUnsupported, modelUnknown, tensorDuplicate, weightNotFinite } from '../checkpoint.errors';
import { toFloat32 } from '../safetensors/float-conversion';
import type { RandomAccess } from '../safetensors/random-access';
import { type FloatRange, SafetensorsFile } from '../safetensors/safetensors-file';
import { checkTensors, type NamedShape } from './compare-tensors';
import type { KnownFamilies, ModelFileFamily, ModelFileShapes } from './model-file-family';

export interface ImportedModel {
  /** The model that follows from the tensors, with the usual values for what no tensor tells. */
  config(heads?: number): ModelConfig;
  /** Tells whether the tensors can be those of a model with so many heads. */
  fitsHeads(heads: number): boolean;
  /** Named with the prefix of the family, in the order of checkpoints. */
  readonly tensors: readonly NamedShape[];
  /** Reads a tensor of `tensors`, or a part of it, as f32. Throws CHECKPOINT.WEIGHT_NOT_FINITE. */
  read(name: string, range?: FloatRange): Promise<Float32Array>;
}

/**
 * Opens a model saved by Hugging Face, with or without its family's prefix. Throws the errors of SafetensorsFile.open,
 * CHECKPOINT.MODEL_UNKNOWN, TENSORS_MISMATCH when it is not complete, and DTYPE_UNSUPPORTED.
 */
export async function importHuggingFace(source: RandomAccess, known: KnownFamilies): Promise<ImportedModel> {
  const file = await SafetensorsFile.open(source);
  const family = familyOfFile(file, known);
  const fileNames = namesInFile(file, family);
  const found = [...fileNames].map(([name, fileName]) => ({ name, shape: file.entry(fileName).shape }));
  const { title, configOf, fitsHeads } = family.files;
  const shapes = shapesOf(found, family, (reason) => modelUnknown(titles(known), reason));
  const config = configOf(shapes);
  const needed = known.parametersOf(config);
  checkTensors(found, { config, title, needed });
  return {
    config: (heads) => configOf(shapes, heads),
    fitsHeads: (heads) => fitsHeads(shapes, heads),
    tensors: needed.map(({ name, shape }) => ({ name, shape })),
    read: async (name, range) => {
      const values = await file.readFloat32(fileNames.get(name) ?? name, range);
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw weightNotFinite(name, (range?.from ?? 0) + bad, values[bad]!);
      return values;
    },
  };
}

function titles({ families }: KnownFamilies): string[] {
  return families.map(({ files }) => files.title);
}

function nameWithPrefix(name: string, { parameters, files }: ModelFileFamily): string {
  return name.startsWith(files.prefix) || name === parameters.headWeight ? name : files.prefix + name;
}

/** The family whose token embedding the file has. */
function familyOfFile({ entries }: SafetensorsFile, known: KnownFamilies): ModelFileFamily {
  for (const family of known.families) {
    const { tokenEmbedding } = family.parameters;
    if (entries.some(({ name }) => nameWithPrefix(name, family) === tokenEmbedding)) return family;
  }
  const wanted = known.families.map(({ parameters }) => parameters.tokenEmbedding).join(' or ');
  throw modelUnknown(titles(known), `it has no ${wanted}${describeNames(entries)}`);
}

/** The names in the file, by the names with the prefix. */
function namesInFile(file: SafetensorsFile, family: ModelFileFamily): ReadonlyMap<string, string> {
  const fileNames = new Map<string, string>();
  for (const { name, dtype } of file.entries) {
    const full = nameWithPrefix(name, family);
    if (family.files.isBuffer(full)) continue;
    if (fileNames.has(full)) throw tensorDuplicate(full);
    if (toFloat32(dtype) === undefined) throw dtypeUnsupported(name, dtype);
    fileNames.set(full, name);
  }
  return fileNames;
}

function shapesOf(
  tensors: readonly NamedShape[],
  { parameters, files }: ModelFileFamily,
  refuse: (reason: string) => Error,
): ModelFileShapes {
  const shapeOf = new Map(tensors.map(({ name, shape }) => [name, shape]));
  const layerIndices = tensors.map(({ name }) => layerIndex(name, files.blockPrefix));
  const layers = layerIndices.reduce((most, index) => Math.max(most, index + 1), 0);
  // With a gap, the list of missing tensors would be as long as the largest index, which the file chooses freely.
  if (layers > new Set(layerIndices).size) throw refuse(`it has a layer ${layers - 1}, but not all layers before it`);
  return {
    layers,
    isTied: !shapeOf.has(parameters.headWeight),
    matrix: (name) => {
      const [rows, columns, ...others] = shapeOf.get(name) ?? [];
      if (!rows || !columns || others.length > 0) throw refuse(`it has no matrix ${name}`);
      return [rows, columns];
    },
  };
}

/** The layer that a tensor belongs to, -1 if it belongs to none. */
function layerIndex(name: string, blockPrefix: string): number {
  if (!name.startsWith(blockPrefix)) return -1;
  return Number(/^(\d+)\./.exec(name.slice(blockPrefix.length))?.[1] ?? -1);
}

function describeNames(tensors: readonly NamedShape[]): string {
  const names = tensors.slice(0, 4).map(({ name }) => name);
  return tensors.length === 0
    ? '; it has no tensors'
    : `; it has ${tensors.length} tensors, such as ${names.join(', ')}`;
}
