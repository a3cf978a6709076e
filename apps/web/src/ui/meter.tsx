import type { ReactNode } from 'react';

interface MeterProps {
  readonly label: string;
  /** From 0 to 1; null if it is unknown. */
  readonly ratio: number | null;
  readonly text?: string;
}

/** A bar that also shows its number. */
export function Meter({ label, ratio, text }: MeterProps): ReactNode {
  if (ratio === null) return <span className="quiet">unknown</span>;
  const bounded = Math.min(1, Math.max(0, ratio));
  const shown = text ?? `${Math.round(100 * bounded)}%`;
  return (
    <span className="meter">
      <progress aria-label={label} max={1} value={bounded} aria-valuetext={shown} />
      <span className="meter-text">{shown}</span>
    </span>
  );
}
