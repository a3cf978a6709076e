import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from '../button';
import { errorText } from './error-text';
import { Notice } from './notice';

interface QueryViewProps<T> {
  readonly query: UseQueryResult<T>;
  readonly children: (data: T) => ReactNode;
}

/** Shows the answer once it has come; until then it says that the answer is loading, or why it cannot be had. */
export function QueryView<T>({ query, children }: QueryViewProps<T>): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) {
    return (
      <Notice tone="bad">
        <p>{errorText(query.error)}</p>
        <Button onClick={() => void query.refetch()}>Ask again</Button>
      </Notice>
    );
  }
  return (
    <div className="loading" role="status">
      Loading…
    </div>
  );
}
