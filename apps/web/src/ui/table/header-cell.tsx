import { type Header, flexRender } from '@tanstack/react-table';
import { ArrowDown, ArrowUp, ArrowUpDown } from 'lucide-react';
import type { ReactNode } from 'react';

const ARIA_SORT = { asc: 'ascending', desc: 'descending' } as const;

/** A column's heading, which is a button if the column can be sorted. */
export function HeaderCell<T>({ header }: { readonly header: Header<T, unknown> }): ReactNode {
  const { column } = header;
  const text = flexRender(column.columnDef.header, header.getContext());
  if (!column.getCanSort()) return <th scope="col">{text}</th>;
  const sorted = column.getIsSorted();
  const Icon = sorted === 'asc' ? ArrowUp : sorted === 'desc' ? ArrowDown : ArrowUpDown;
  return (
    <th scope="col" aria-sort={sorted === false ? 'none' : ARIA_SORT[sorted]}>
      <button type="button" className="sort" onClick={column.getToggleSortingHandler()}>
        {text}
        <Icon size={13} aria-hidden className={sorted === false ? 'sort-idle' : ''} />
      </button>
    </th>
  );
}
