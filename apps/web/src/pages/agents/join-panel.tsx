import type { JoinTokenBody } from '@millrace/contracts';
import { Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { CliCommand } from '../../ui/copyable';
import { useAction } from '../../ui/feedback/use-action';
import { Panel } from '../../ui/panel';
import { TimeAgo } from '../../ui/time-ago';

/** Shows the command that makes another machine an agent; the token in it works once. */
export function JoinPanel(): ReactNode {
  const mayJoin = useMay('admin');
  const [made, setMade] = useState<JoinTokenBody>();
  const make = useAction({
    act: () => client.accounts.createJoinToken(),
    onDone: setMade,
  });
  return (
    <Panel title="Add an agent">
      <div className="stack">
        <p>
          On the machine that has the device, in a checkout of Millrace after <code>npm run setup</code>, one command
          joins it. It needs a token that works once.
        </p>
        {made !== undefined && (
          <>
            <CliCommand command={made.command} />
            <p className="quiet">
              The token is not shown again. It expires <TimeAgo time={made.expiresAt} />.
            </p>
          </>
        )}
        {mayJoin ? (
          <div>
            <Button icon={Plus} isBusy={make.isPending} onClick={() => make.mutate(undefined)}>
              {made === undefined ? 'Make the command' : 'Make another'}
            </Button>
          </div>
        ) : (
          <p className="quiet">An admin can make this command here.</p>
        )}
      </div>
    </Panel>
  );
}
