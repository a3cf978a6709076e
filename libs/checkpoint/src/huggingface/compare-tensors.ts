import type { ModelConfig } from '@millrace/core';
import { type TensorDifferences, tensorsMismatch } from '../checkpoint.errors';

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface NeededTensors {
  readonly config: ModelConfig;
  /** The title of the model's family. */
  readonly title: string;
  readonly needed: readonly NamedShape[];
}

/**
 * Compares tensors with those that the model needs. Throws CHECKPOINT.TENSORS_MISMATCH, which lists missing, unexpected
 * and misshapen ones.
 */
export function checkTensors(tensors: readonly NamedShape[], { config, title, needed }: NeededTensors): void {
  const differences = differencesOf(tensors, needed);
  if (Object.values(differences).every((list) => list.length === 0)) return;
  const { layers, hidden, ffn, context, vocab, tieEmbeddings } = config;
  throw tensorsMismatch(
    `a ${title} with layers ${layers}, hidden ${hidden}, ffn ${ffn}, context ${context}, vocab ${vocab}, ` +
      `tieEmbeddings ${tieEmbeddings}`,
    differences,
  );
}

function differencesOf(tensors: readonly NamedShape[], needed: readonly NamedShape[]): TensorDifferences {
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
