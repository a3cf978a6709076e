import type { RunBody } from '@millrace/contracts';
import type { ReactNode } from 'react';
import { Notice } from '../../ui/feedback/notice';

const TROUBLE: readonly string[] = ['failed', 'recovering'];

/** Why the run is in its state: what a queued one waits for, what a lost attempt was lost to. */
export function RunReason({ run }: { readonly run: RunBody }): ReactNode {
  const failure = run.attempts.findLast((attempt) => attempt.failure !== null)?.failure;
  const isTrouble = TROUBLE.includes(run.state);
  if (run.reason === null && !(isTrouble && failure)) return null;
  return (
    <Notice tone={run.state === 'failed' ? 'bad' : run.state === 'recovering' ? 'warn' : 'info'}>
      {run.reason && (
        <p>
          {run.reason.message} <code>{run.reason.code}</code>
        </p>
      )}
      {isTrouble && failure && failure.message !== run.reason?.message && (
        <p>
          {failure.message} <code>{failure.class}</code>
          {failure.culprit && ` (rank ${failure.culprit.rank} on ${failure.culprit.agent})`}
        </p>
      )}
      <Nearest nearest={run.reason?.nearest} />
    </Notice>
  );
}

function Nearest({ nearest }: { readonly nearest: unknown }): ReactNode {
  if (nearest === undefined || nearest === null) return null;
  const text = typeof nearest === 'string' ? nearest : sentenceOf(nearest);
  return text === '' ? null : <p className="quiet">Nearest placement: {text}</p>;
}

/** The scheduler's object as one line, whatever fields it has. */
function sentenceOf(nearest: object): string {
  return Object.entries(nearest)
    .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}
