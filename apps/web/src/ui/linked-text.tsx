import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { splitIds } from './split-ids';

/** Shows a text in which ids of runs, agents and datasets are links to their pages. */
export function LinkedText({ text }: { readonly text: string }): ReactNode {
  return splitIds(text).map(({ text: piece, path }, index) =>
    path === undefined ? (
      piece
    ) : (
      <Link key={index} to={path}>
        {piece}
      </Link>
    ),
  );
}
