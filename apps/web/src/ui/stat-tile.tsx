import type { ReactNode } from 'react';

interface StatTileProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
}

export function StatTile({ label, value, note }: StatTileProps): ReactNode {
  return (
    <div className="stat">
      <dt>{label}</dt>
      <dd>
        <span className="stat-value">{value}</span>
        {note !== undefined && <span className="stat-note">{note}</span>}
      </dd>
    </div>
  );
}

export function StatRow({ children }: { readonly children: ReactNode }): ReactNode {
  return <dl className="stats">{children}</dl>;
}
