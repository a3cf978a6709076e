import { describe, expect, it } from 'vitest';
import { FIRST_SPEC } from './first-spec';
import { readSpec, valueAt, withValue } from './spec-document';

describe('the document of the submit page', () => {
  it('begins with a spec that is right', () => {
    expect(readSpec(FIRST_SPEC)).toMatchObject({ errors: [], spec: { name: 'my-first-run' } });
  });

  it('points at what is wrong', () => {
    const text = FIRST_SPEC.replace('heads: 4', 'heads: 5');
    const [error] = readSpec(text).errors;
    expect(error?.path).toBe('/model/hidden');
    expect(text.slice(error?.from, error?.to)).toBe('128');
  });

  it('points at what should hold a field that is missing, and at the place where text is no YAML', () => {
    const missing = readSpec(FIRST_SPEC.replace(/ +steps: .*\n/, '')).errors[0];
    expect(missing).toMatchObject({ path: '/train/steps' });
    expect(missing!.to).toBeGreaterThan(missing!.from);
    const broken = readSpec('name: [a\n');
    expect(broken.value).toBeUndefined();
    expect(broken.errors[0]!.message).not.toBe('');
  });

  it('changes one value and leaves comments and the rest', () => {
    const text = '# mine\nname: a # why\nmodel: { layers: 2, heads: 4 }\n';
    const changed = withValue(withValue(text, ['model', 'layers'], 3), ['train', 'steps'], 10);
    expect(changed).toContain('# mine\nname: a # why\n');
    expect(changed).toContain('{ layers: 3, heads: 4 }');
    expect(changed).toContain('train:\n  steps: 10');
    expect(withValue(text, ['name'], undefined)).not.toContain('name:');
    expect(withValue('a: [', ['b'], 1)).toBe('a: [');
  });

  it('finds values by their path', () => {
    expect(valueAt({ a: { b: [7] } }, ['a', 'b', '0'])).toBe(7);
    expect(valueAt(undefined, ['a'])).toBeUndefined();
  });

  it('knows the datasets before the API is asked', () => {
    const datasets = [{ id: 'dataset_1', name: 'words', vocab: 90 }];
    const read = (dataset: string, vocab: string): ReturnType<typeof readSpec> =>
      readSpec(
        FIRST_SPEC.replace('moby-dick', dataset).replace('  context: 64', `  context: 64\n  vocab: ${vocab}`),
        datasets,
      );
    expect(read('words', 'auto').errors).toEqual([]);
    expect(read('dataset_1', '90').spec).toBeDefined();
    expect(read('word', 'auto')).toMatchObject({
      spec: undefined,
      errors: [{ path: '/data/dataset', message: 'no dataset is called word; there are words' }],
    });
    expect(read('words', '89').errors[0]?.path).toBe('/model/vocab');
    expect(readSpec(FIRST_SPEC, []).errors[0]?.message).toContain('upload one');
  });
});
