import { Menu, MenuButton, MenuItem, MenuProvider } from '@ariakit/react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { CircleUserRound } from 'lucide-react';
import type { ReactNode } from 'react';
import type { SessionBody } from '@millrace/contracts';
import { changeSession } from '../api/query-client';
import { signOut } from '../api/session';
import { sessionEndText } from '../format/session-end-text';
import { useAction } from '../ui/feedback/use-action';

export function UserMenu({ session: { user, expiresAt } }: { readonly session: SessionBody }): ReactNode {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leave = useAction({
    act: signOut,
    onDone: () => changeSession(queries, null),
  });
  return (
    <MenuProvider>
      <MenuButton className="user-button" aria-label={`${user.name}, ${user.role}: account`}>
        <CircleUserRound size={17} aria-hidden />
        <span className="user-name">{user.name}</span>
      </MenuButton>
      <Menu className="menu" gutter={6}>
        <div className="menu-note">
          {user.name} · {user.role}
          <br />
          {sessionEndText(expiresAt)}
        </div>
        <MenuItem className="menu-item" onClick={() => void navigate({ to: '/access' })}>
          Tokens
        </MenuItem>
        <MenuItem className="menu-item" onClick={() => leave.mutate(undefined)}>
          Sign out
        </MenuItem>
      </Menu>
    </MenuProvider>
  );
}
