import type { ReactNode } from 'react';
import { CliCommand } from '../copyable';

interface EmptyStateProps {
  readonly title: string;
  readonly children?: ReactNode;
  /** A command that creates something to show here. */
  readonly command?: string;
}

export function EmptyState({ title, children, command }: EmptyStateProps): ReactNode {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children}
      {command !== undefined && <CliCommand command={command} />}
    </div>
  );
}
