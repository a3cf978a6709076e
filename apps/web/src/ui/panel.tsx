import { type ReactNode, useId } from 'react';

interface PanelProps {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly note?: ReactNode;
  readonly isFlush?: boolean;
  readonly children: ReactNode;
}

/** A titled region of a page. */
export function Panel({ title, actions, note, isFlush, children }: PanelProps): ReactNode {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <header className="panel-header">
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span className="quiet">{note}</span>}
        {actions !== undefined && <div className="panel-actions">{actions}</div>}
      </header>
      <div className={isFlush === true ? '' : 'panel-body'}>{children}</div>
    </section>
  );
}
