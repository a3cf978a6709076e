import { describe, expect, it } from 'vitest';
import { fromFieldText, toFieldText } from './field-text';
import { formSections } from './form-fields';
import { runSpecFormSchema } from './json-schema';

const sections = formSections(runSpecFormSchema());
const fieldAt = (path: string) =>
  sections.flatMap(({ fields }) => fields).find((field) => field.path.join('.') === path);

describe('the form of the run spec', () => {
  it('has a section for the run and one for each part of the spec', () => {
    expect(sections.map(({ title }) => title)).toEqual(['run', 'model', 'data', 'train', 'parallel', 'resources']);
  });

  it('has a field for every leaf of the schema', () => {
    expect(fieldAt('name')).toMatchObject({ kind: 'text', isRequired: true });
    expect(fieldAt('priority')).toMatchObject({ kind: 'number', isRequired: false, fallback: 50 });
    expect(fieldAt('train.batch.global')).toMatchObject({ kind: 'number', label: 'batch.global', isRequired: true });
    expect(fieldAt('model.vocab')).toMatchObject({ kind: 'value', fallback: 'auto' });
    expect(fieldAt('model.tieEmbeddings')).toMatchObject({ kind: 'switch', fallback: undefined });
    expect(fieldAt('parallel.verticalSync')).toMatchObject({ kind: 'switch', fallback: false });
    expect(fieldAt('resources.labels')).toMatchObject({ kind: 'map' });
    expect(fieldAt('parallel.schedule')?.options).toContain('zb-h1');
  });

  it('lets one field choose the others where the schema has variants', () => {
    const [optimizer] = sections.find(({ title }) => title === 'train')!.variants;
    expect(optimizer).toMatchObject({ path: ['train', 'optimizer'], key: 'type' });
    expect(optimizer!.variants.map(({ name }) => name)).toEqual(['adamw', 'sgd']);
    expect(optimizer!.variants[0]!.fields.map(({ label }) => label)).toEqual(
      ['lr', 'betas', 'eps', 'weightDecay'].map((name) => `optimizer.${name}`),
    );
  });
});

describe('the text of a field', () => {
  const of = (kind: 'text' | 'number' | 'list' | 'map' | 'value', text: string) =>
    fromFieldText({ kind, isRequired: false }, text);

  it('becomes the value that the schema wants, or stays what it is', () => {
    expect(of('number', ' 2e-3 ')).toBe(0.002);
    expect(of('number', 'many')).toBe('many');
    expect(of('value', 'auto')).toBe('auto');
    expect(of('value', '3, 5')).toEqual([3, 5]);
    expect(of('list', 'a, b,')).toEqual(['a', 'b']);
    expect(of('map', 'gpu=a100, owner')).toEqual({ gpu: 'a100', owner: '' });
    expect(of('number', '')).toBeUndefined();
  });

  it('comes back from the value', () => {
    expect(toFieldText([0.9, 0.95])).toBe('0.9, 0.95');
    expect(toFieldText({ gpu: 'a100' })).toBe('gpu=a100');
    expect(toFieldText(undefined)).toBe('');
  });
});
