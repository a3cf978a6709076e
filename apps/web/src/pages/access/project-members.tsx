import { Dialog, DialogHeading } from '@ariakit/react';
import type { ProjectBody, ProjectChanges } from '@millrace/contracts';
import type { QueryKey } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { Button } from '../../ui/button';
import { useAction } from '../../ui/feedback/use-action';
import { useUsers } from './use-users';

interface ProjectMembersProps {
  readonly project: ProjectBody;
  readonly staleKey: QueryKey;
}

/** Shows who belongs to a project; each user is added or removed on its own. */
export function ProjectMembers({ project, staleKey }: ProjectMembersProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { data: users = [] } = useUsers({ enabled: isOpen });
  const change = useAction({
    act: (changes: ProjectChanges) => client.accounts.updateProject(project.id, changes),
    stale: [staleKey],
  });
  const toggle = (id: string, isIn: boolean): void =>
    change.mutate({ members: isIn ? [...project.members, id] : project.members.filter((member) => member !== id) });
  return (
    <>
      <Button aria-label={`Members of ${project.name}`} onClick={() => setOpen(true)}>
        Members
      </Button>
      <Dialog open={isOpen} onClose={() => setOpen(false)} className="dialog" backdrop={<div className="backdrop" />}>
        <DialogHeading>Members of {project.name}</DialogHeading>
        <label className="choice">
          <input
            type="checkbox"
            checked={project.everyone}
            onChange={({ target }) => change.mutate({ everyone: target.checked })}
          />
          every user of role member
        </label>
        {!project.everyone &&
          users.map(({ id, name, role }) => (
            <label key={id} className="choice">
              <input
                type="checkbox"
                checked={project.members.includes(id)}
                onChange={({ target }) => toggle(id, target.checked)}
              />
              {name} <span className="quiet">{role}</span>
            </label>
          ))}
        <div className="dialog-actions">
          <Button onClick={() => setOpen(false)}>Close</Button>
        </div>
      </Dialog>
    </>
  );
}
