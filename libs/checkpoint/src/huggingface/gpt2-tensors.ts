import { type TensorDifferences, tensorsMismatch } from '../checkpoint.errors';

/** The sizes that determine a GPT-2's tensors. The number of heads does not: it only divides `hidden`. */
export interface Gpt2Sizes {
  readonly layers: number;
  readonly hidden: number;
  readonly ffn: number;
  readonly context: number;
  readonly vocab: number;
  readonly tieEmbeddings: boolean;
}

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Every tensor of a GPT-2 in the one order that checkpoints and exports use, with the names and layouts of Hugging
 * Face's GPT2LMHeadModel (linear weights are Conv1D: [in, out]). A tied head has no tensor of its own.
 */
export function gpt2Tensors(sizes: Gpt2Sizes): NamedShape[] {
  const { layers, hidden, context, vocab, tieEmbeddings } = sizes;
  return [
    { name: 'transformer.wte.weight', shape: [vocab, hidden] },
    { name: 'transformer.wpe.weight', shape: [context, hidden] },
    ...Array.from({ length: layers }, (_, layer) => layerTensors(`transformer.h.${layer}`, sizes)).flat(),
    ...pair('transformer.ln_f', [hidden]),
    ...(tieEmbeddings ? [] : [{ name: 'lm_head.weight', shape: [vocab, hidden] }]),
  ];
}

function layerTensors(layer: string, { hidden, ffn }: Gpt2Sizes): NamedShape[] {
  return [
    ...pair(`${layer}.ln_1`, [hidden]),
    ...pair(`${layer}.attn.c_attn`, [hidden, 3 * hidden]),
    ...pair(`${layer}.attn.c_proj`, [hidden, hidden]),
    ...pair(`${layer}.ln_2`, [hidden]),
    ...pair(`${layer}.mlp.c_fc`, [hidden, ffn]),
    ...pair(`${layer}.mlp.c_proj`, [ffn, hidden]),
  ];
}

/** A weight, and its bias, which is as long as the weight's last dimension. */
function pair(name: string, shape: readonly number[]): NamedShape[] {
  return [
    { name: `${name}.weight`, shape },
    { name: `${name}.bias`, shape: shape.slice(-1) },
  ];
}

/**
 * Compares tensors with those that `sizes` needs. Throws CHECKPOINT.TENSORS_MISMATCH, which lists missing, unexpected
 * and misshapen ones.
 */
export function checkGpt2Tensors(tensors: readonly NamedShape[], sizes: Gpt2Sizes): void {
  const differences = gpt2Differences(tensors, sizes);
  if (Object.values(differences).every((list) => list.length === 0)) return;
  const { layers, hidden, ffn, context, vocab, tieEmbeddings } = sizes;
  throw tensorsMismatch(
    `a GPT-2 with layers ${layers}, hidden ${hidden}, ffn ${ffn}, context ${context}, vocab ${vocab}, ` +
      `tieEmbeddings ${tieEmbeddings}`,
    differences,
  );
}

function gpt2Differences(tensors: readonly NamedShape[], sizes: Gpt2Sizes): TensorDifferences {
  const needed = gpt2Tensors(sizes);
  const found = new Map(tensors.map((tensor) => [tensor.name, tensor.shape]));
  const neededNames = new Set(needed.map((tensor) => tensor.name));
  const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
  return {
    missing: needed.filter(({ name }) => !found.has(name)).map(({ name }) => name),
    unexpected: tensors.filter(({ name }) => !neededNames.has(name)).map(({ name }) => name),
    wrongShapes: needed.flatMap(({ name, shape }) => {
      const other = found.get(name);
      return other === undefined || show(other) === show(shape)
        ? []
        : [`${name} is ${show(other)}, must be ${show(shape)}`];
    }),
  };
}
