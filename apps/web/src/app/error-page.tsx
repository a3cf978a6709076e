import type { ErrorComponentProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Button } from '../ui/button';
import { errorText } from '../ui/feedback/error-text';
import { Notice } from '../ui/feedback/notice';
import { PageHeader } from '../ui/page-header';

/** In place of a page that failed: the rest of the dashboard goes on. */
export function ErrorPage({ error, reset }: ErrorComponentProps): ReactNode {
  return (
    <>
      <PageHeader title="This page failed" />
      <Notice tone="bad">
        <p>{errorText(error)}</p>
        <Button onClick={reset}>Try again</Button>
      </Notice>
    </>
  );
}
