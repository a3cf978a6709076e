import type { RunBody } from '@millrace/contracts';
import { startPhaseText } from '@millrace/contracts/plain';
import type { ReactNode } from 'react';
import { formatDuration } from '../../format/format-time';
import { Notice } from '../../ui/feedback/notice';
import { LinkedText } from '../../ui/linked-text';

/** Shows what each rank does before its first step, and how long the start may take. */
export function RunStarting({ run }: { readonly run: RunBody }): ReactNode {
  const { starting, startDeadlineMs } = run;
  if (starting.length === 0) return null;
  return (
    <Notice tone="info">
      <p>
        The ranks are starting
        {startDeadlineMs !== null && `, which may take ${formatDuration(startDeadlineMs)}`}:
      </p>
      <ul className="nearest">
        {starting.map(({ rank, agent, phase, seconds }) => (
          <li key={rank}>
            <b>rank {rank}</b> on <LinkedText text={agent} /> {startPhaseText(phase)}, for{' '}
            {formatDuration(seconds * 1000)}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
