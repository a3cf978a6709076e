import { type ReactNode, useEffect, useState } from 'react';
import { Field } from '../../../ui/field';
import { fromFieldText, toFieldText } from './field-text';
import type { FormField } from './form-fields';

interface SpecFieldProps {
  readonly field: FormField;
  readonly value: unknown;
  readonly error: string | undefined;
  readonly suggestions: readonly string[];
  readonly onChange: (value: unknown) => void;
}

/** One field of the spec; if it is empty, its default counts. */
export function SpecField({ field, value, error, suggestions, onChange }: SpecFieldProps): ReactNode {
  return (
    <Field label={field.label} error={error}>
      {(control) => {
        if (field.kind === 'choice') {
          return (
            <select
              {...control}
              value={toFieldText(value ?? field.fallback)}
              onChange={(event) => onChange(event.target.value)}
            >
              {value === undefined && field.fallback === undefined && <option value="" />}
              {field.options.map((option) => (
                <option key={option}>{option}</option>
              ))}
            </select>
          );
        }
        if (field.kind === 'switch') {
          if (field.fallback === undefined) return <ThreeWaySwitch {...{ control, value, onChange }} />;
          const isOn = (value ?? field.fallback) === true;
          return (
            <input {...control} type="checkbox" checked={isOn} onChange={(event) => onChange(event.target.checked)} />
          );
        }
        return <TextControl {...{ control, field, value, suggestions, onChange }} />;
      }}
    </Field>
  );
}

/** Sets the defaults that depend on other fields, which a schema cannot express. */
const DERIVED: Readonly<Record<string, string>> = {
  'model.kvHeads': 'as heads',
  'model.headSize': 'hidden / heads',
  'model.ffn': '4 × hidden',
};

type ThreeWaySwitchProps = Pick<SpecFieldProps, 'value' | 'onChange'> & { readonly control: Record<string, unknown> };

/** Offers true, false, and an empty choice for what follows from the rest of the spec. */
function ThreeWaySwitch({ control, value, onChange }: ThreeWaySwitchProps): ReactNode {
  return (
    <select
      {...control}
      value={toFieldText(value)}
      onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value === 'true')}
    >
      <option value="" />
      <option>true</option>
      <option>false</option>
    </select>
  );
}

interface TextControlProps extends Omit<SpecFieldProps, 'error'> {
  readonly control: Record<string, unknown>;
}

/** Keeps the text while it is being typed: `1.` is not a number yet, and would otherwise be removed. */
function TextControl({ control, field, value, suggestions, onChange }: TextControlProps): ReactNode {
  const [text, setText] = useState(() => toFieldText(value));
  const shown = toFieldText(value);
  useEffect(() => {
    setText((typed) => (toFieldText(fromFieldText(field, typed)) === shown ? typed : shown));
  }, [shown, field]);
  const type = (typed: string): void => {
    setText(typed);
    onChange(fromFieldText(field, typed));
  };
  const placeholder = toFieldText(field.fallback) || (DERIVED[field.path.join('.')] ?? '');
  if (field.kind === 'long-text') {
    return <textarea {...control} rows={2} value={text} onChange={(event) => type(event.target.value)} />;
  }
  const listId = `${field.path.join('-')}-list`;
  return (
    <>
      <input
        {...control}
        inputMode={field.kind === 'number' ? 'decimal' : undefined}
        list={suggestions.length === 0 ? undefined : listId}
        placeholder={placeholder}
        value={text}
        onChange={(event) => type(event.target.value)}
      />
      {suggestions.length > 0 && (
        <datalist id={listId}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </>
  );
}
