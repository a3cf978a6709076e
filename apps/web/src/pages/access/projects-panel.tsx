import type { NewProject, ProjectBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { FolderPlus } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { QueryView } from '../../ui/feedback/query-view';
import { useAction } from '../../ui/feedback/use-action';
import { Field } from '../../ui/field';
import { Panel } from '../../ui/panel';
import { ProjectMembers } from './project-members';

const KEY = ['projects'];

/** Lists the projects. Members of a project steer its runs; viewers see all runs. */
export function ProjectsPanel(): ReactNode {
  const isAdmin = useMay('admin');
  const query = useQuery({ queryKey: KEY, queryFn: () => allPages((page) => client.accounts.projects(page)) });
  return (
    <>
      {isAdmin && <NewProjectForm />}
      <Panel title="Projects" isFlush>
        <QueryView query={query}>
          {(projects) => (
            <ul className="list">
              {projects.map((project) => (
                <ProjectItem key={project.id} project={project} isAdmin={isAdmin} />
              ))}
            </ul>
          )}
        </QueryView>
      </Panel>
    </>
  );
}

function ProjectItem({ project, isAdmin }: { readonly project: ProjectBody; readonly isAdmin: boolean }): ReactNode {
  const text = project.everyone ? 'every member' : `${project.members.length} members`;
  return (
    <li>
      <b>{project.name}</b>
      <span className="quiet list-text">{text}</span>
      {isAdmin && <ProjectMembers project={project} staleKey={KEY} />}
    </li>
  );
}

function NewProjectForm(): ReactNode {
  const [name, setName] = useState('');
  const create = useAction({
    act: (made: NewProject) => client.accounts.createProject(made),
    done: (project) => `Runs can now be submitted to ${project.name}.`,
    stale: [KEY],
    onDone: () => setName(''),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate({ name, everyone: false, members: [] });
  };
  return (
    <Panel title="New project">
      <form className="toolbar" onSubmit={submit}>
        <Field label="Name" hint="what run specs give as project">
          {(control) => <input {...control} value={name} required onChange={({ target }) => setName(target.value)} />}
        </Field>
        <Button type="submit" variant="primary" icon={FolderPlus} isBusy={create.isPending}>
          Add the project
        </Button>
      </form>
    </Panel>
  );
}
