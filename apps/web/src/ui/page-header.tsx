import { type ReactNode, useEffect } from 'react';

interface PageHeaderProps {
  readonly title: string;
  readonly badge?: ReactNode;
  readonly detail?: ReactNode;
  readonly actions?: ReactNode;
}

/** The page's heading, which also names the browser's tab. */
export function PageHeader({ title, badge, detail, actions }: PageHeaderProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Millrace`;
  }, [title]);
  return (
    <header className="page-header">
      <div className="page-title">
        <h1>{title}</h1>
        {badge}
      </div>
      {actions !== undefined && <div className="page-actions">{actions}</div>}
      {detail !== undefined && <div className="page-detail">{detail}</div>}
    </header>
  );
}
