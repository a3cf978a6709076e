import { expect, it } from 'vitest';
import { modelConfigSchema } from '../attempt-plan';
import { parseRunSpec } from '../parse-run-spec';
import type { RunSpec } from '../run-spec';
import { modelConfigOf } from './model-config-of';

const MODEL = { layers: 2, heads: 2, hidden: 8, context: 4 };

function specOf(model: Record<string, unknown>): RunSpec {
  return parseRunSpec({
    name: 'test',
    model: { ...MODEL, ...model },
    data: { dataset: 'text' },
    train: { steps: 1, batch: { global: 2, micro: 1 }, optimizer: { type: 'sgd', lr: 1 } },
  });
}

it.each(['gpt2', 'llama'])('the dropout of a %s is part of its model, unless it is 0', (family) => {
  const without = modelConfigOf(specOf({ family }), 5);
  expect(without).not.toHaveProperty('dropout');
  expect(modelConfigOf(specOf({ family, dropout: 0 }), 5)).toEqual(without);
  const dropped = modelConfigOf(specOf({ family, dropout: 0.1 }), 5);
  expect(dropped).toEqual({ ...without, dropout: 0.1 });
  // Plans and manifests hold it.
  expect(modelConfigSchema.parse(dropped)).toEqual(dropped);
});

it.each([1, -0.1])('a dropout of %d is refused', (dropout) => {
  const refused = { fields: [expect.objectContaining({ path: '/model/dropout' })] };
  expect(() => specOf({ family: 'gpt2', dropout })).toThrowError(expect.objectContaining(refused) as Error);
});
