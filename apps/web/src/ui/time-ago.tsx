import { type ReactNode, useEffect, useState } from 'react';
import { formatAgo, formatDateTime } from '../format/format-time';

/** The wall clock in steps, for texts that change with time, such as "5 min ago". */
export function useNowMs(stepMs = 5_000): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNowMs(Date.now()), stepMs);
    return () => window.clearInterval(timer);
  }, [stepMs]);
  return Math.max(nowMs, 0);
}

/** Shows a time as "5 min ago"; the exact time appears on hover and is in the markup for programs. */
export function TimeAgo({ time }: { readonly time: string | null | undefined }): ReactNode {
  const nowMs = useNowMs();
  if (time === null || time === undefined) return <span className="quiet">never</span>;
  return (
    <time dateTime={time} title={formatDateTime(time)}>
      {formatAgo(time, nowMs)}
    </time>
  );
}
