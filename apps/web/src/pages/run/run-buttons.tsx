import type { RunBody } from '@millrace/contracts';
import { useNavigate } from '@tanstack/react-router';
import { CircleStop, Copy, Flag, type LucideIcon, Pause, Play, Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { ConfirmDialog } from '../../ui/feedback/confirm-dialog';
import { useAction } from '../../ui/feedback/use-action';
import { type RunButton, consequence, runActions } from './run-actions';

const LOOK: Readonly<Record<RunButton, readonly [string, LucideIcon]>> = {
  checkpoint: ['Checkpoint now', Flag],
  pause: ['Pause', Pause],
  resume: ['Resume', Play],
  cancel: ['Cancel the run', CircleStop],
  delete: ['Delete', Trash2],
};

const DONE: Readonly<Record<RunButton, string>> = {
  checkpoint: 'A checkpoint will be taken at the next step.',
  pause: 'The run pauses after a checkpoint.',
  resume: 'The run is queued again.',
  cancel: 'The run is being stopped.',
  delete: 'The run was deleted.',
};

/** Shows the actions that the run's state and the user's role allow. */
export function RunButtons({ run }: { readonly run: RunBody }): ReactNode {
  const mayAct = useMay('member');
  const navigate = useNavigate();
  const [asked, setAsked] = useState<RunButton>();
  const act = useAction({
    act: async (action: RunButton): Promise<unknown> =>
      action === 'delete' ? client.deleteRun(run.id) : client.actOnRun(run.id, action),
    done: (_, action) => DONE[action],
    stale: [['run', run.id], ['runs'], ['overview'], ['all-runs']],
  });
  if (!mayAct) return null;
  const perform = (action: RunButton): void =>
    act.mutate(action, {
      onSuccess: () => {
        if (action === 'delete') void navigate({ to: '/runs' });
      },
    });
  const question = asked && consequence(asked, run);
  return (
    <>
      <Button icon={Copy} onClick={() => void navigate({ to: '/submit', search: { from: run.id } })}>
        Submit again
      </Button>
      {runActions(run.state).map((action) => {
        const [word, icon] = LOOK[action];
        const isGrave = consequence(action, run) !== undefined;
        return (
          <Button
            key={action}
            icon={icon}
            variant={isGrave ? 'danger' : 'plain'}
            isBusy={act.isPending}
            onClick={() => (isGrave ? setAsked(action) : perform(action))}
          >
            {word}
          </Button>
        );
      })}
      {asked !== undefined && question !== undefined && (
        <ConfirmDialog
          title={`${LOOK[asked][0]}: ${run.name}?`}
          consequence={<p>{question}</p>}
          verb={LOOK[asked][0]}
          onConfirm={() => perform(asked)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}
