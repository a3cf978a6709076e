import {
  AlertTriangle,
  Ban,
  CheckCircle2,
  CircleDashed,
  CircleDot,
  CircleSlash,
  Clock,
  Hand,
  Hourglass,
  type LucideIcon,
  Pause,
  PlayCircle,
  RefreshCw,
  Unplug,
  XCircle,
} from 'lucide-react';
import type { ReactNode } from 'react';

type Tone = 'good' | 'busy' | 'wait' | 'warn' | 'bad' | 'off';

const STATES: Readonly<Record<string, readonly [LucideIcon, Tone]>> = {
  queued: [Clock, 'wait'],
  scheduled: [Hourglass, 'wait'],
  starting: [CircleDashed, 'busy'],
  running: [PlayCircle, 'busy'],
  pausing: [Pause, 'wait'],
  paused: [Pause, 'off'],
  recovering: [RefreshCw, 'warn'],
  stopping: [Hand, 'warn'],
  succeeded: [CheckCircle2, 'good'],
  failed: [XCircle, 'bad'],
  cancelled: [Ban, 'off'],
  lost: [AlertTriangle, 'bad'],
  connected: [CheckCircle2, 'good'],
  draining: [Hand, 'warn'],
  'set-aside': [Hourglass, 'warn'],
  disconnected: [Unplug, 'bad'],
  gone: [Unplug, 'bad'],
  disabled: [CircleSlash, 'off'],
  expired: [Clock, 'off'],
  active: [CheckCircle2, 'good'],
  finished: [CheckCircle2, 'good'],
  durable: [CheckCircle2, 'good'],
};

/** Shows a state with an icon and a word, so that it can be told without seeing colour or shape. */
export function StateBadge({ state }: { readonly state: string }): ReactNode {
  const [Icon, tone] = STATES[state] ?? [CircleDot, 'off'];
  return (
    <span className={`badge badge-${tone}`}>
      <Icon size={14} aria-hidden />
      {state}
    </span>
  );
}
