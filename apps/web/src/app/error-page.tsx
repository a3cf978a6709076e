import type { ErrorComponentProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Button } from '../ui/button';
import { errorText } from '../ui/feedback/error-text';
import { Notice } from '../ui/feedback/notice';
import { PageHeader } from '../ui/page-header';
import { PartNotLoaded } from './loading/lazy-page';

/** Shown in place of a page that failed; the rest of the dashboard goes on working. */
export function ErrorPage({ error, reset }: ErrorComponentProps): ReactNode {
  const tryAgain = (): void => {
    if (error instanceof PartNotLoaded) error.forget();
    reset();
  };
  return (
    <>
      <PageHeader title="This page failed" />
      <Notice tone="bad">
        <p>{errorText(error)}</p>
        <Button onClick={tryAgain}>Try again</Button>
      </Notice>
    </>
  );
}
