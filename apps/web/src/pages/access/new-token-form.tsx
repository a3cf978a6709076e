import { type CreatedToken, TOKEN_SCOPES, type TokenScope } from '@millrace/contracts';
import type { QueryKey } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { useAction } from '../../ui/feedback/use-action';
import { Field } from '../../ui/field';
import { Panel } from '../../ui/panel';
import { useUsers } from './use-users';

interface NewTokenFormProps {
  readonly staleKey: QueryKey;
  readonly onMade: (token: CreatedToken) => void;
}

const DAY_MS = 86_400_000;

/** Makes a token for a program or a person; an admin can make one for another user. */
export function NewTokenForm({ staleKey, onMade }: NewTokenFormProps): ReactNode {
  const isAdmin = useMay('admin');
  const { data: users } = useUsers({ enabled: isAdmin });
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [userId, setUserId] = useState('');
  const [scope, setScope] = useState<readonly TokenScope[]>(['*']);
  const create = useAction({
    act: () => {
      const expiresAt = days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
      return client.accounts.createToken({ name, scope: [...scope], expiresAt, ...(userId === '' ? {} : { userId }) });
    },
    stale: [staleKey],
    onDone: (token) => {
      onMade(token);
      setName('');
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate(undefined);
  };
  return (
    <Panel title="New token">
      <form className="stack" onSubmit={submit}>
        <div className="toolbar">
          <Field label="Name">
            {(control) => <input {...control} value={name} required onChange={({ target }) => setName(target.value)} />}
          </Field>
          {users !== undefined && (
            <Field label="For">
              {(control) => (
                <select {...control} value={userId} onChange={({ target }) => setUserId(target.value)}>
                  <option value="">me</option>
                  {users.map((user) => (
                    <option key={user.id} value={user.id}>
                      {user.name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
          <Field label="Expires">
            {(control) => (
              <select {...control} value={days} onChange={({ target }) => setDays(target.value)}>
                <option value="1">in a day</option>
                <option value="30">in 30 days</option>
                <option value="90">in 90 days</option>
                <option value="365">in a year</option>
                <option value="">never</option>
              </select>
            )}
          </Field>
          <Button
            type="submit"
            variant="primary"
            icon={KeyRound}
            disabled={scope.length === 0}
            isBusy={create.isPending}
          >
            Make the token
          </Button>
        </div>
        <ScopeChoice scope={scope} onChange={setScope} />
      </form>
    </Panel>
  );
}

interface ScopeChoiceProps {
  readonly scope: readonly TokenScope[];
  readonly onChange: (scope: readonly TokenScope[]) => void;
}

/** `*` stands for all the others. */
function ScopeChoice({ scope, onChange }: ScopeChoiceProps): ReactNode {
  const toggle = (name: TokenScope, isOn: boolean): void => {
    if (name === '*') onChange(isOn ? ['*'] : ['read']);
    else onChange(isOn ? [...scope.filter((one) => one !== '*'), name] : scope.filter((one) => one !== name));
  };
  return (
    <fieldset className="choices">
      <legend>May be used for</legend>
      {TOKEN_SCOPES.map((name) => (
        <label key={name} className="choice">
          <input
            type="checkbox"
            checked={scope.includes(name)}
            onChange={({ target }) => toggle(name, target.checked)}
          />
          {name === '*' ? 'everything its owner may do' : name}
        </label>
      ))}
    </fieldset>
  );
}
