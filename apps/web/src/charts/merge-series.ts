export interface ChartPoint {
  readonly x: number;
  /** Null makes a gap in the line. */
  readonly y: number | null;
  /** The range of values that the point stands for, if it stands for several. */
  readonly min?: number;
  readonly max?: number;
}

export interface ChartSeries {
  readonly label: string;
  readonly points: readonly ChartPoint[];
}

export interface MergedSeries {
  readonly xs: readonly number[];
  /** One column per series, with a value or null for every x. */
  readonly columns: readonly (readonly (number | null)[])[];
  /** The least and largest values of each series, or undefined for a series whose points stand for single values. */
  readonly ranges: readonly (
    { readonly min: readonly (number | null)[]; readonly max: readonly (number | null)[] } | undefined
  )[];
}

/** Brings series with x values of their own onto one ascending x axis, which is the form that charts draw. */
export function mergeSeries(series: readonly ChartSeries[]): MergedSeries {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const indexOf = new Map(xs.map((x, index) => [x, index]));
  const column = (points: readonly ChartPoint[], pick: (point: ChartPoint) => number | null): (number | null)[] => {
    const values = xs.map((): number | null => null);
    for (const point of points) values[indexOf.get(point.x) ?? 0] = pick(point);
    return values;
  };
  return {
    xs,
    columns: series.map(({ points }) => column(points, ({ y }) => y)),
    ranges: series.map(({ points }) =>
      points.some(({ min, max }) => min !== max)
        ? { min: column(points, ({ y, min }) => min ?? y), max: column(points, ({ y, max }) => max ?? y) }
        : undefined,
    ),
  };
}
