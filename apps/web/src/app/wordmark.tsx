import type { ReactNode } from 'react';

/** The name and its sign: staggered micro-batches of a pipeline. */
export function Wordmark(): ReactNode {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden>
        <rect width="32" height="32" rx="7" className="mark-ground" />
        <path d="M6 10h9v3H6zm11 0h9v3h-9zM9 15h9v3H9zm11 0h6v3h-6zM12 20h9v3h-9z" className="mark-lines" />
      </svg>
      Millrace
    </span>
  );
}
