import type { RunBody } from '@millrace/contracts';
import type { ReactNode } from 'react';
import { Notice } from '../../ui/feedback/notice';
import { LinkedText } from '../../ui/linked-text';
import { readNearest } from './nearest-placement';

const TROUBLE: readonly string[] = ['failed', 'recovering'];

/** Says why the run is in its state: what a queued run waits for, or why the last attempt was lost. */
export function RunReasonNotice({ run }: { readonly run: RunBody }): ReactNode {
  const failure = run.attempts.findLast((attempt) => attempt.failure !== null)?.failure;
  const trouble = TROUBLE.includes(run.state) ? failure : undefined;
  if (run.reason === null && !trouble) return null;
  return (
    <Notice tone={run.state === 'failed' ? 'bad' : run.state === 'recovering' ? 'warn' : 'info'}>
      {run.reason && (
        <p>
          <LinkedText text={run.reason.message} /> <code>{run.reason.code}</code>
        </p>
      )}
      {trouble && <Trouble failure={trouble} told={run.reason?.message ?? ''} />}
      <Nearest nearest={run.reason?.nearest} />
    </Notice>
  );
}

type Failure = NonNullable<RunBody['attempts'][number]['failure']>;

/** Tells of the newest attempt that failed. Its message is left out if the run's reason already says it. */
function Trouble({ failure, told }: { readonly failure: Failure; readonly told: string }): ReactNode {
  const { message, culprit } = failure;
  return (
    <p>
      {!told.includes(message) && (
        <>
          <LinkedText text={message} />{' '}
        </>
      )}
      <code>{failure.class}</code>
      {culprit && (
        <>
          {' '}
          at rank {culprit.rank} on <LinkedText text={culprit.agent} />
        </>
      )}
    </p>
  );
}

/** Shows the placement that is nearest to possible, and what is missing for it. */
function Nearest({ nearest }: { readonly nearest: unknown }): ReactNode {
  const found = readNearest(nearest);
  if (found === undefined) return null;
  const { devices, missingDevices } = found;
  return (
    <div>
      <p>The nearest placement:</p>
      <ul className="nearest">
        {devices.map(({ name, obstacles }) => (
          <li key={name}>
            <b>{name}</b> <LinkedText text={obstacles.length === 0 ? 'is free' : obstacles.join('; ')} />
          </li>
        ))}
        {missingDevices > 0 && <li>{missingDevices} more that have not joined yet</li>}
      </ul>
    </div>
  );
}
