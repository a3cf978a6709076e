import type { LogLineBody } from '@millrace/contracts';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownToLine } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { formatClock } from '../../../format/format-time';
import { Button } from '../../../ui/button';
import { splitByMatch } from './log-filter';

const LINE_PX = 21;
const OVERSCAN_COUNT = 30;
/** A reader who is this near to the end counts as being at the end. */
const NEAR_PX = 30;

interface LogLinesProps {
  readonly lines: readonly LogLineBody[];
  readonly searched: string;
}

/** Shows the lines. At the end it follows new lines, until the reader scrolls up. */
export function LogLines({ lines, searched }: LogLinesProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_PX,
    overscan: OVERSCAN_COUNT,
    getItemKey: (index) => lines[index]?.id ?? index,
  });
  // It follows the last id, because the number of lines stays the same once old lines are dropped for new ones; and it
  // follows the height, because a long line turns out higher than its estimate.
  const lastId = lines.at(-1)?.id;
  const heightPx = virtual.getTotalSize();
  useEffect(() => {
    const element = frame.current;
    if (isFollowing && element !== null) element.scrollTop = element.scrollHeight;
  }, [isFollowing, lastId, heightPx]);
  const onScroll = (): void => {
    const element = frame.current;
    if (element === null) return;
    setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
  };
  return (
    <div className="log-box">
      <div
        className="log"
        ref={frame}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label="Log lines"
        aria-live="off"
      >
        <div className="log-all" style={{ height: heightPx }}>
          {virtual.getVirtualItems().map(({ key, index, start, size }) => {
            const line = lines[index];
            return (
              line && (
                <div
                  key={key}
                  ref={virtual.measureElement}
                  data-index={index}
                  className={`log-line log-${line.level}`}
                  style={{ transform: `translateY(${start}px)`, minHeight: size === 0 ? LINE_PX : undefined }}
                >
                  <LogText line={line} searched={searched} />
                </div>
              )
            );
          })}
        </div>
      </div>
      {!isFollowing && (
        <Button className="log-follow" icon={ArrowDownToLine} onClick={() => setFollowing(true)}>
          Follow
        </Button>
      )}
    </div>
  );
}

function LogText({ line, searched }: { readonly line: LogLineBody; readonly searched: string }): ReactNode {
  return (
    <>
      <time dateTime={line.time} title={line.time}>
        {formatClock(line.time)}
      </time>
      <span className="log-stage" title={line.agent}>
        stage {line.stage}
      </span>
      <span className="log-level">{line.level}</span>
      <span className="log-text">
        {splitByMatch(line.text, searched).map((piece, index) =>
          index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece,
        )}
      </span>
    </>
  );
}
