import type { CheckpointBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { client } from '../../api/client';
import { EmptyState } from '../../ui/feedback/empty-state';
import { Field } from '../../ui/field';

interface Choice {
  readonly run: string | undefined;
  readonly checkpoint: string | undefined;
}

interface CheckpointChoiceProps extends Choice {
  readonly checkpoints: readonly CheckpointBody[];
  readonly onChange: (choice: Choice) => void;
}

const RUN_COUNT = 200;

/** Lets the user choose a run and one of its checkpoints; at first the newest one is chosen. */
export function CheckpointChoice({ run, checkpoint, checkpoints, onChange }: CheckpointChoiceProps): ReactNode {
  const { data } = useQuery({
    queryKey: ['runs', 'playground'],
    queryFn: () => client.briefRuns({ limit: RUN_COUNT }),
  });
  const trained = data?.items.filter(({ step }) => step > 0) ?? [];
  const first = trained[0]?.id;
  useEffect(() => {
    if (run === undefined && first !== undefined) onChange({ run: first, checkpoint: undefined });
  }, [run, first, onChange]);
  if (data !== undefined && trained.length === 0) {
    return <EmptyState title="No run has trained yet." command="millrace submit examples/moby-gpt.yaml --watch" />;
  }
  return (
    <div className="fields">
      <Field label="Run">
        {(control) => (
          <select
            {...control}
            value={run}
            onChange={({ target }) => onChange({ run: target.value, checkpoint: undefined })}
          >
            {trained.map(({ id, name, step }) => (
              <option key={id} value={id}>
                {name}, step {step} ({id.slice(-6)})
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Checkpoint" error={checkpoints.length === 0 ? 'none is durable yet' : undefined}>
        {(control) => (
          <select
            {...control}
            value={checkpoint}
            onChange={({ target }) => onChange({ run, checkpoint: target.value })}
          >
            {[...checkpoints]
              .sort((a, b) => b.step - a.step)
              .map(({ id, step }) => (
                <option key={id} value={id}>
                  step {step}
                </option>
              ))}
          </select>
        )}
      </Field>
    </div>
  );
}
