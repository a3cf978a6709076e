import { z } from 'zod';
import { expect, it } from 'vitest';
import { parseRunSpec } from '../parse-run-spec';
import { plainWords } from './plain-words';

/** Paths of a spec that is wrong in every part, with what is said of them. */
function faultsOf(spec: unknown): Record<string, string> {
  try {
    parseRunSpec(spec);
    return {};
  } catch (error) {
    const { fields } = error as { fields: { path: string; message: string }[] };
    return Object.fromEntries(fields.map(({ path, message }) => [path, message]));
  }
}

it('says of a run spec what is missing or of another kind, and what may stand there', () => {
  const faults = faultsOf({
    model: { family: 'gpt2', layers: 'many', heads: 2.5, hidden: -4, context: null },
    data: { dataset: 7 },
    train: { steps: 0, batch: { global: 8 }, optimizer: { type: 'adagrad' } },
    parallel: { schedule: 'gypsy' },
  });
  expect(faults['/name']).toBe('is missing: give text');
  expect(faults['/model/layers']).toBe('must be a number, not text');
  expect(faults['/model/heads']).toBe('must be a whole number, not 2.5');
  expect(faults['/model/context']).toBe('must be a number, not null');
  expect(faults['/data/dataset']).toBe('must be text, not 7');
  expect(faults['/train/steps']).toBe('must be at least 1');
  expect(faults['/train/optimizer/type']).toMatch(/adamw, sgd/);
  expect(faults['/parallel/schedule']).toMatch(/^must be one of gpipe, 1f1b/);
});

it('has no word of the validator in whatever the spec holds', () => {
  const values = [undefined, null, true, 1e300, -1, 0.5, '', 'x', [], [null], {}, { a: 1 }];
  const sections = ['name', 'model', 'data', 'train', 'parallel', 'resources', 'priority', 'retries'];
  for (const section of sections) {
    for (const value of values) {
      for (const message of Object.values(faultsOf({ [section]: value })))
        expect(message).not.toMatch(/invalid|expected|received|too (big|small)|undefined/i);
    }
  }
});

it('leaves the words that a schema chose', () => {
  const schema = z.string('must be the name of a lake');
  const parsed = schema.safeParse(4, { error: plainWords });
  expect(parsed.error?.issues[0]?.message).toBe('must be the name of a lake');
});
