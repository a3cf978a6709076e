import { dtypeUnsupported, notGpt2, tensorDuplicate, weightNotFinite } from '../checkpoint.errors';
import { toFloat32 } from '../safetensors/float-conversion';
import type { RandomAccess } from '../safetensors/random-access';
import { type FloatRange, SafetensorsFile } from '../safetensors/safetensors-file';
import { checkGpt2Tensors, type Gpt2Sizes, gpt2Tensors, type NamedShape } from './gpt2-tensors';

const PREFIX = 'transformer.';

/** Causal masks that Hugging Face once saved with the weights; they are not parameters. */
const MASK_BUFFER = /^(transformer\.)?h\.\d+\.attn\.(bias|masked_bias)$/;

export interface ImportedModel {
  /** The sizes that follow from the tensors; the number of heads is not among them. */
  readonly sizes: Gpt2Sizes;
  /** Named with the `transformer.` prefix, in the order of gpt2Tensors. */
  readonly tensors: readonly NamedShape[];
  /** Reads a tensor of `tensors`, or a part of it, as f32. Throws CHECKPOINT.WEIGHT_NOT_FINITE. */
  read(name: string, range?: FloatRange): Promise<Float32Array>;
}

/**
 * Opens a GPT-2 saved by Hugging Face, with or without the `transformer.` prefix. Throws the errors of
 * SafetensorsFile.open, CHECKPOINT.NOT_GPT2, TENSORS_MISMATCH when it is not complete, and DTYPE_UNSUPPORTED.
 */
export async function importHuggingFace(source: RandomAccess): Promise<ImportedModel> {
  const file = await SafetensorsFile.open(source);
  /** The name in the file, by the name with the prefix. */
  const fileNames = new Map<string, string>();
  for (const { name, dtype } of file.entries) {
    if (MASK_BUFFER.test(name)) continue;
    const full = name.startsWith(PREFIX) || name === 'lm_head.weight' ? name : PREFIX + name;
    if (fileNames.has(full)) throw tensorDuplicate(full);
    if (toFloat32(dtype) === undefined) throw dtypeUnsupported(name, dtype);
    fileNames.set(full, name);
  }
  const found = [...fileNames].map(([name, fileName]) => ({ name, shape: file.entry(fileName).shape }));
  const sizes = inferSizes(found, file.entries);
  checkGpt2Tensors(found, sizes);
  return {
    sizes,
    tensors: gpt2Tensors(sizes),
    read: async (name, range) => {
      const values = await file.readFloat32(fileNames.get(name) ?? name, range);
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw weightNotFinite(name, (range?.from ?? 0) + bad, values[bad]!);
      return values;
    },
  };
}

function inferSizes(tensors: readonly NamedShape[], asSaved: readonly NamedShape[]): Gpt2Sizes {
  const shapeOf = new Map(tensors.map(({ name, shape }) => [name, shape]));
  const matrix = (name: string): readonly [number, number] => {
    const [rows, columns, ...others] = shapeOf.get(name) ?? [];
    if (!rows || !columns || others.length > 0) {
      throw notGpt2(`it has no matrix ${name}${describeNames(asSaved)}`);
    }
    return [rows, columns];
  };
  const [vocab, hidden] = matrix('transformer.wte.weight');
  const [context] = matrix('transformer.wpe.weight');
  const [, ffn] = matrix('transformer.h.0.mlp.c_fc.weight');
  const layerIndices = tensors.map(({ name }) => Number(/^transformer\.h\.(\d+)\./.exec(name)?.[1] ?? -1));
  const layers = layerIndices.reduce((most, index) => Math.max(most, index + 1), 0);
  // With a gap, the list of missing tensors would be as long as the largest index, which the file chooses freely.
  if (layers > new Set(layerIndices).size) throw notGpt2(`it has a layer ${layers - 1}, but not all layers before it`);
  return { layers, hidden, ffn, context, vocab, tieEmbeddings: !shapeOf.has('lm_head.weight') };
}

function describeNames(tensors: readonly NamedShape[]): string {
  const names = tensors.slice(0, 4).map(({ name }) => name);
  return tensors.length === 0
    ? '; it has no tensors'
    : `; it has ${tensors.length} tensors, such as ${names.join(', ')}`;
}
