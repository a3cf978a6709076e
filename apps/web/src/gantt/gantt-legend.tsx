import type { ReactNode } from 'react';
import type { GanttGroup } from './gantt-model';
import { CATEGORY_NAMES, type SpanCategory } from './span-kind';

/** The colours that occur in the drawing, each with its meaning. */
export function GanttLegend({ groups }: { readonly groups: readonly GanttGroup[] }): ReactNode {
  const used = new Set(
    groups.flatMap(({ rows }) => rows.flatMap(({ spans }) => spans.map(({ category }) => category))),
  );
  const shown = (Object.keys(CATEGORY_NAMES) as SpanCategory[]).filter((category) => used.has(category));
  const hasChunks = groups.some(({ rows }) => rows.some(({ spans }) => spans.some(({ chunk }) => chunk > 0)));
  return (
    <ul className="gantt-legend">
      {shown.map((category) => (
        <li key={category}>
          <i className={`span-key span-key-${category.toLowerCase()}`} aria-hidden />
          {category.length === 1 ? `${category} ` : ''}
          <span className="quiet">{CATEGORY_NAMES[category]}</span>
        </li>
      ))}
      {hasChunks && <li className="quiet">darker: further chunks of the rank</li>}
    </ul>
  );
}
