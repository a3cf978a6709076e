import type { ReactNode } from 'react';
import type { SpecError } from '../spec-document';
import { valueAt } from '../spec-document';
import type { FormField, FormSection, FormVariants } from './form-fields';
import { SpecField } from './spec-field';
import { Field } from '../../../ui/field';

interface SpecFormProps {
  readonly sections: readonly FormSection[];
  readonly value: unknown;
  /** Whether the form is locked, because the text cannot be read and therefore not changed. */
  readonly isDisabled: boolean;
  readonly errors: readonly SpecError[];
  /** Values to choose from, by the JSON pointer of their field; other values may be typed. */
  readonly suggestions: Readonly<Record<string, readonly string[]>>;
  readonly onChange: (path: readonly string[], value: unknown) => void;
}

/** Shows the run spec as a form, whose fields come from the schema. */
export function SpecForm({ sections, isDisabled, ...props }: SpecFormProps): ReactNode {
  return (
    <fieldset className="spec-form" disabled={isDisabled}>
      {sections.map((section) => (
        <details key={section.title} open={section.title !== 'resources'}>
          <summary>{section.title}</summary>
          <div className="fields">
            {section.fields.map((field) => (
              <BoundField key={field.path.join('.')} field={field} {...props} />
            ))}
            {section.variants.map((variants) => (
              <VariantFields key={variants.path.join('.')} variants={variants} {...props} />
            ))}
          </div>
        </details>
      ))}
    </fieldset>
  );
}

type Bound = Omit<SpecFormProps, 'sections' | 'isDisabled'>;

function BoundField({ field, value, errors, suggestions, onChange }: Bound & { readonly field: FormField }): ReactNode {
  const pointer = `/${field.path.join('/')}`;
  const error = errors.find(({ path }) => path === pointer || path.startsWith(`${pointer}/`))?.message;
  return (
    <SpecField
      field={field}
      value={valueAt(value, field.path)}
      error={error}
      suggestions={suggestions[pointer] ?? []}
      onChange={(next) => onChange(field.path, next)}
    />
  );
}

function VariantFields({ variants, ...props }: Bound & { readonly variants: FormVariants }): ReactNode {
  const { path, label, key, fallback } = variants;
  const chosen = String(valueAt(props.value, [...path, key]) ?? fallback);
  const fields = variants.variants.find(({ name }) => name === chosen)?.fields ?? [];
  /** Values that both variants have, such as the learning rate, are kept. */
  const choose = (name: string): void => {
    const next = variants.variants.find((variant) => variant.name === name)?.fields ?? [];
    const kept = next.flatMap((field) => {
      const old = valueAt(props.value, field.path);
      return old === undefined ? [] : [[field.path.at(-1), old] as const];
    });
    props.onChange(path, { [key]: name, ...Object.fromEntries(kept) });
  };
  return (
    <>
      <Field label={`${label}.${key}`}>
        {(control) => (
          <select {...control} value={chosen} onChange={({ target }) => choose(target.value)}>
            {variants.variants.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
      {fields.map((field) => (
        <BoundField key={field.path.join('.')} field={field} {...props} />
      ))}
    </>
  );
}
