import { AlertTriangle, Info } from 'lucide-react';
import type { ReactNode } from 'react';

interface NoticeProps {
  readonly tone: 'info' | 'warn' | 'bad';
  readonly children: ReactNode;
}

/** A message that should be read before going on. */
export function Notice({ tone, children }: NoticeProps): ReactNode {
  const Icon = tone === 'info' ? Info : AlertTriangle;
  return (
    <div className={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon size={18} aria-hidden />
      <div>{children}</div>
    </div>
  );
}
