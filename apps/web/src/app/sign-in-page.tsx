import { useMutation, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { changeSession } from '../api/query-client';
import { signIn } from '../api/session';
import { Button } from '../ui/button';
import { CliCommand } from '../ui/copyable';
import { errorText } from '../ui/feedback/error-text';
import { Field } from '../ui/field';
import { Wordmark } from './wordmark';

/** Signs in with a token: there are no passwords. */
export function SignInPage(): ReactNode {
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const attempt = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => changeSession(queries, session),
  });
  useEffect(() => {
    document.title = 'Sign in · Millrace';
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    attempt.mutate(token.trim());
  };
  return (
    <main className="lonely">
      <form className="sign-in" onSubmit={submit}>
        <Wordmark />
        <h1>Sign in</h1>
        <Field label="Token" error={attempt.isError ? errorText(attempt.error) : undefined}>
          {(control) => (
            <input
              {...control}
              type="password"
              autoComplete="current-password"
              spellCheck={false}
              value={token}
              onChange={(event) => setToken(event.target.value)}
              required
            />
          )}
        </Field>
        <Button type="submit" variant="primary" icon={KeyRound} isBusy={attempt.isPending}>
          Sign in
        </Button>
        <div className="sign-in-hint">
          <p>
            <code>millrace up</code> writes the administrator&rsquo;s token to <code>endpoint.json</code> in its home:
          </p>
          <CliCommand command="cat ~/.millrace/endpoint.json" />
        </div>
      </form>
    </main>
  );
}
