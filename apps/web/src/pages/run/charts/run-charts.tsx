import type { RunBody, SeriesBody } from '@millrace/contracts';
import { isFinal } from '@millrace/core';
import { type ReactNode, useMemo } from 'react';
import { LineChart } from '../../../charts/line-chart';
import type { ChartSeries } from '../../../charts/merge-series';
import { formatCompact, formatCount, formatValue } from '../../../format/format-number';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { Panel } from '../../../ui/panel';
import { appendLive } from './live-points';
import { useRunSeries } from './use-run-series';

/** Draws training and validation loss in one chart, so that they can be compared, and each other metric in its own. */
export function RunCharts({ run }: { readonly run: RunBody }): ReactNode {
  const { body, live } = useRunSeries(run.id, isFinal(run.state));
  const series = useMemo(() => {
    const of = (name: string, label: string): ChartSeries => ({ label, points: appendLive(body, name, live) });
    return {
      loss: [of('train/loss', 'training'), of('val/loss', 'validation')].filter(({ points }) => points.length > 0),
      speed: [of('train/tokens_per_second', 'tokens/s')],
      norm: [of('train/grad_norm', 'gradient norm')],
      rate: [of('train/lr', 'learning rate')],
    };
  }, [body, live]);
  if (body !== undefined && series.loss.length === 0) {
    return (
      <Panel title="Loss">
        <EmptyState title="No step has been trained yet." />
      </Panel>
    );
  }
  const losses = body?.series.find(({ name }) => name === 'train/loss');
  return (
    <>
      <Panel title="Loss" note={lossNote(losses)}>
        <LineChart label={lossText(series.loss)} series={series.loss} heightPx={300} />
      </Panel>
      <div className="columns columns-small">
        <SmallChart title="Throughput" series={series.speed} formatY={formatCompact} fromZero />
        <SmallChart title="Gradient norm" series={series.norm} formatY={formatValue} />
        <SmallChart title="Learning rate" series={series.rate} formatY={formatValue} />
      </div>
    </>
  );
}

/** Says how many points there are, and up to which step a point stands for several steps. */
function lossNote(losses: SeriesBody['series'][number] | undefined): string {
  if (losses === undefined || losses.total === 0) return 'nats per token';
  const points = `nats per token, ${formatCount(losses.total)} points`;
  const { thinnedThrough } = losses;
  return thinnedThrough === undefined ? points : `${points}, thinned up to step ${formatCount(thinnedThrough)}`;
}

function lossText(series: readonly ChartSeries[]): string {
  const ends = series.map(({ label, points }) => {
    const last = points.at(-1);
    return last === undefined || last.y === null ? label : `${label} ${formatValue(last.y)} at step ${last.x}`;
  });
  return `Loss by step: ${ends.join(', ')}`;
}

interface SmallChartProps {
  readonly title: string;
  readonly series: readonly ChartSeries[];
  readonly formatY: (value: number) => string;
  readonly fromZero?: boolean;
}

function SmallChart({ title, series, formatY, fromZero = false }: SmallChartProps): ReactNode {
  const last = series[0]?.points.at(-1);
  if (last === undefined) return null;
  const label = `${title} by step, ${formatY(last.y ?? 0)} at step ${last.x}`;
  return (
    <Panel title={title}>
      <LineChart label={label} series={series} formatY={formatY} fromZero={fromZero} heightPx={180} />
    </Panel>
  );
}
