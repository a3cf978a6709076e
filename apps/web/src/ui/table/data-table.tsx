import {
  type ColumnDef,
  type OnChangeFn,
  type Row,
  type SortingState,
  type Table,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, memo, useRef, useState } from 'react';
import { HeaderCell } from './header-cell';

interface DataTableProps<T> {
  /** Says what the table lists, for screen readers. */
  readonly label: string;
  readonly rows: readonly T[];
  // Each column has a value type of its own, for which TanStack Table has no type of a list.
  readonly columns: readonly ColumnDef<T>[];
  readonly rowId: (row: T) => string;
  /** The order, if the page keeps it, for instance in its address. */
  readonly sorting?: SortingState;
  readonly onSortingChange?: (sorting: SortingState) => void;
  readonly initialSorting?: SortingState;
  readonly empty?: ReactNode;
}

const ROW_PX = 41;
const OVERSCAN_COUNT = 8;

/** A table that can be sorted and draws only the rows in view, however many there are. */
export function DataTable<T>(props: DataTableProps<T>): ReactNode {
  const table = useSortedTable(props);
  const frame = useRef<HTMLDivElement>(null);
  const { rows } = table.getRowModel();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN_COUNT,
  });
  if (rows.length === 0 && props.empty !== undefined) return props.empty;
  const items = virtual.getVirtualItems();
  const beforePx = items[0]?.start ?? 0;
  const afterPx = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div className="table-frame" ref={frame} tabIndex={0} role="region" aria-label={`${props.label}, table`}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {group.headers.map((header) => (
                <HeaderCell key={header.id} header={header} />
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          <Spacer heightPx={beforePx} columns={props.columns.length} />
          {items.map(
            ({ index }) =>
              rows[index] && <SameRow key={rows[index].id} row={rows[index]} index={index} columns={props.columns} />,
          )}
          <Spacer heightPx={afterPx} columns={props.columns.length} />
        </tbody>
      </table>
    </div>
  );
}

function useSortedTable<T>({ rows, columns, rowId, ...props }: DataTableProps<T>): Table<T> {
  const [own, setOwn] = useState<SortingState>(props.initialSorting ?? []);
  const sorting = props.sorting ?? own;
  const onSortingChange: OnChangeFn<SortingState> = (change) => {
    const next = typeof change === 'function' ? change(sorting) : change;
    setOwn(next);
    props.onSortingChange?.(next);
  };
  return useReactTable({
    data: rows as T[],
    columns: columns as ColumnDef<T>[],
    getRowId: rowId,
    state: { sorting },
    // The other sorting functions compare digits inside texts, which takes half a second for ten thousand rows.
    defaultColumn: { sortingFn: 'basic' },
    onSortingChange,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
}

interface BodyRowProps<T> {
  readonly row: Row<T>;
  readonly index: number;
  /** A prop, so that a row is drawn again when they change. */
  readonly columns: readonly ColumnDef<T>[];
}

function BodyRow<T>({ row, index }: BodyRowProps<T>): ReactNode {
  return (
    <tr aria-rowindex={index + 2}>
      {row.getVisibleCells().map((cell) => (
        <td key={cell.id} data-column={cell.column.id}>
          {flexRender(cell.column.columnDef.cell, cell.getContext())}
        </td>
      ))}
    </tr>
  );
}

/** While the user scrolls, only the rows that come into view are drawn. */
const SameRow = memo(BodyRow) as typeof BodyRow;

/** Takes the place of the rows that are not drawn. */
function Spacer({ heightPx, columns }: { readonly heightPx: number; readonly columns: number }): ReactNode {
  if (heightPx <= 0) return null;
  return (
    <tr aria-hidden className="spacer">
      <td colSpan={columns} style={{ height: heightPx }} />
    </tr>
  );
}
