import { type NewUser, USER_ROLES, type UserBody, type UserChanges, type UserRole } from '@millrace/contracts';
import type { ColumnDef } from '@tanstack/react-table';
import { UserPlus } from 'lucide-react';
import { type FormEvent, type ReactNode, useMemo, useState } from 'react';
import { client } from '../../api/client';
import { Button } from '../../ui/button';
import { QueryView } from '../../ui/feedback/query-view';
import { useAction } from '../../ui/feedback/use-action';
import { Field } from '../../ui/field';
import { Panel } from '../../ui/panel';
import { StateBadge } from '../../ui/state-badge';
import { DataTable } from '../../ui/table/data-table';
import { TimeAgo } from '../../ui/time-ago';
import { USERS_KEY, useUsers } from './use-users';

export function UsersPanel(): ReactNode {
  const query = useUsers();
  const change = useAction({
    act: ({ id, changes }: { id: string; changes: UserChanges }) => client.accounts.updateUser(id, changes),
    done: ({ name, role, disabled }) => `${name} is ${disabled ? 'disabled' : `a ${role}`} now.`,
    stale: [USERS_KEY],
  });
  const { mutate } = change;
  const columns = useMemo(() => columnsOf((id, changes) => mutate({ id, changes })), [mutate]);
  return (
    <>
      <NewUserForm />
      <Panel title="Users" isFlush note="a disabled user’s tokens and sessions are refused">
        <QueryView query={query}>
          {(users) => <DataTable label="Users" rows={users} columns={columns} rowId={({ id }) => id} />}
        </QueryView>
      </Panel>
    </>
  );
}

function columnsOf(change: (id: string, changes: UserChanges) => void): ColumnDef<UserBody>[] {
  return [
    { id: 'name', header: 'Name', accessorFn: ({ name }) => name },
    {
      id: 'role',
      header: 'Role',
      accessorFn: ({ role }) => role,
      cell: ({ row: { original: user } }) => (
        <RoleSelect label={`Role of ${user.name}`} role={user.role} onChange={(role) => change(user.id, { role })} />
      ),
    },
    {
      id: 'state',
      header: 'State',
      accessorFn: ({ disabled }) => String(disabled),
      cell: ({ row }) => <StateBadge state={row.original.disabled ? 'disabled' : 'active'} />,
    },
    {
      id: 'created',
      header: 'Since',
      accessorFn: ({ createdAt }) => createdAt,
      cell: ({ row }) => <TimeAgo time={row.original.createdAt} />,
    },
    {
      id: 'actions',
      header: 'Change',
      enableSorting: false,
      cell: ({ row: { original: user } }) => (
        <Button
          aria-label={`${user.disabled ? 'Enable' : 'Disable'} ${user.name}`}
          onClick={() => change(user.id, { disabled: !user.disabled })}
        >
          {user.disabled ? 'Enable' : 'Disable'}
        </Button>
      ),
    },
  ];
}

interface RoleSelectProps {
  readonly label: string;
  readonly role: UserRole;
  readonly onChange: (role: UserRole) => void;
}

function RoleSelect({ label, role, onChange }: RoleSelectProps): ReactNode {
  return (
    <select aria-label={label} value={role} onChange={({ target }) => onChange(target.value as UserRole)}>
      {USER_ROLES.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function NewUserForm(): ReactNode {
  const [name, setName] = useState('');
  const [role, setRole] = useState<UserRole>('member');
  const create = useAction({
    act: (user: NewUser) => client.accounts.createUser(user),
    done: (user) => `${user.name} may use Millrace as ${user.role}, with a token that you make for them.`,
    stale: [USERS_KEY],
    onDone: () => setName(''),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate({ name, role });
  };
  return (
    <Panel title="New user">
      <form className="toolbar" onSubmit={submit}>
        <Field label="Name">
          {(control) => <input {...control} value={name} required onChange={({ target }) => setName(target.value)} />}
        </Field>
        <Field label="Role" isWide>
          {(control) => (
            <select {...control} value={role} onChange={({ target }) => setRole(target.value as UserRole)}>
              <option value="viewer">viewer: reads</option>
              <option value="member">member: trains and uploads</option>
              <option value="admin">admin: everything</option>
            </select>
          )}
        </Field>
        <Button type="submit" variant="primary" icon={UserPlus} isBusy={create.isPending}>
          Add the user
        </Button>
      </form>
    </Panel>
  );
}
