import { Outlet } from '@tanstack/react-router';
import { type ReactNode, Suspense } from 'react';
import { useSession } from '../api/session';
import { LiveProvider } from '../live/live-provider';
import { Button } from '../ui/button';
import { errorText } from '../ui/feedback/error-text';
import { Notice } from '../ui/feedback/notice';
import { AppFrame } from './app-frame';
import { SignInPage } from './sign-in-page';
import { Wordmark } from './wordmark';

/** Shows the sign-in form if nobody is signed in, and otherwise the frame with the page. */
export function AppRoot(): ReactNode {
  const session = useSession();
  if (session.isError && session.data === undefined) {
    return (
      <main className="lonely">
        <Notice tone="bad">
          <p>The dashboard cannot reach its API: {errorText(session.error)}</p>
          <Button onClick={() => void session.refetch()}>Ask again</Button>
        </Notice>
      </main>
    );
  }
  if (session.data === undefined) {
    return (
      <main className="lonely" aria-busy="true" aria-label="Loading">
        <Wordmark />
      </main>
    );
  }
  if (session.data === null) return <SignInPage />;
  return (
    <LiveProvider>
      <AppFrame session={session.data}>
        <Suspense fallback={<div className="loading">Loading…</div>}>
          <Outlet />
        </Suspense>
      </AppFrame>
    </LiveProvider>
  );
}
