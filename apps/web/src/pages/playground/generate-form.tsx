import { Sparkles } from 'lucide-react';
import type { FormEvent, ReactNode } from 'react';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { Field } from '../../ui/field';

export interface GenerateInput {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
}

interface GenerateFormProps {
  readonly isReady: boolean;
  readonly isBusy: boolean;
  readonly input: GenerateInput;
  readonly onChange: (input: GenerateInput) => void;
  readonly onGenerate: () => void;
}

export const FIRST_INPUT: GenerateInput = { prompt: 'Call me Ishmael.', maxTokens: 120, temperature: 0.8, seed: 0 };

const NUMBERS = [
  { key: 'maxTokens', label: 'Tokens at most', hint: undefined, min: 1, max: 4096, step: 1 },
  {
    key: 'temperature',
    label: 'Temperature',
    hint: '0 always takes the most probable token',
    min: 0,
    max: 100,
    step: 0.1,
  },
  {
    key: 'seed',
    label: 'Seed',
    hint: 'the same seed gives the same text',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 1,
  },
] as const;

export function GenerateForm({ isReady, isBusy, input, onChange, onGenerate }: GenerateFormProps): ReactNode {
  const mayGenerate = useMay('member');
  const change = (key: keyof GenerateInput, text: string): void =>
    onChange({ ...input, [key]: key === 'prompt' ? text : Number(text) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onGenerate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Field label="Prompt">
        {(control) => (
          <textarea
            {...control}
            rows={5}
            required
            value={input.prompt}
            onChange={({ target }) => change('prompt', target.value)}
          />
        )}
      </Field>
      <div className="fields">
        {NUMBERS.map(({ key, label, hint, ...bounds }) => (
          <Field key={key} label={label} hint={hint}>
            {(control) => (
              <input
                {...control}
                {...bounds}
                type="number"
                value={input[key]}
                onChange={({ target }) => change(key, target.value)}
              />
            )}
          </Field>
        ))}
      </div>
      <div>
        <Button type="submit" variant="primary" icon={Sparkles} disabled={!isReady || !mayGenerate} isBusy={isBusy}>
          Generate
        </Button>
      </div>
    </form>
  );
}
