import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { EmptyState } from '../ui/feedback/empty-state';
import { PageHeader } from '../ui/page-header';

export function NotFoundPage(): ReactNode {
  return (
    <>
      <PageHeader title="No such page" />
      <EmptyState title="Nothing is at this address.">
        <Link to="/">Go to the overview</Link>
      </EmptyState>
    </>
  );
}
