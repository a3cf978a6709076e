import type { TelemetrySeriesBody, TelemetrySeriesName } from '@millrace/contracts';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { client } from '../../api/client';
import { LineChart } from '../../charts/line-chart';
import type { ChartSeries } from '../../charts/merge-series';
import { formatBytes, formatMeasured } from '../../format/format-number';
import { EmptyState } from '../../ui/feedback/empty-state';
import { QueryView } from '../../ui/feedback/query-view';
import { useLive, usePollMs } from '../../live/live-provider';
import { Panel } from '../../ui/panel';
import { type TelemetryPoint, type TelemetrySample, isKnown, telemetryChart, withSample } from './telemetry-series';

const POINTS = 240;
const HOUR_MS = 3_600_000;

const queryKeyOf = (agentId: string): readonly string[] => ['agent', agentId, 'telemetry'];

/** Charts of the last hour; a value that the device does not report has no chart. */
export function TelemetryCharts({ agentId }: { readonly agentId: string }): ReactNode {
  const queries = useQueryClient();
  const pollMs = usePollMs();
  useLive([`agent:${agentId}`], ({ type, topic, data }) => {
    if (type !== 'agent.telemetry' || topic !== `agent:${agentId}`) return;
    queries.setQueryData<TelemetrySeriesBody>(queryKeyOf(agentId), (body) =>
      body === undefined ? body : { series: withSample(body.series, data as TelemetrySample, Date.now() - HOUR_MS) },
    );
  });
  const query = useQuery({
    queryKey: queryKeyOf(agentId),
    queryFn: () =>
      client.agentTelemetry(agentId, { from: new Date(Date.now() - HOUR_MS).toISOString(), points: POINTS }),
    refetchInterval: pollMs,
  });
  return <QueryView query={query}>{({ series }) => <Charts series={series} />}</QueryView>;
}

function Charts({ series }: { readonly series: TelemetrySeriesBody['series'] }): ReactNode {
  const of = (name: TelemetrySeriesName): readonly TelemetryPoint[] => series[name] ?? [];
  const memory = [
    { label: 'used', points: of('memoryUsedBytes') },
    { label: 'total', points: of('memoryTotalBytes') },
  ];
  const charts = [
    {
      title: 'Utilisation',
      lines: [{ label: 'busy', points: of('utilizationPercent') }],
      format: percent,
      fromZero: true,
    },
    { title: 'Memory', lines: memory, format: formatBytes, fromZero: true },
    { title: 'Temperature', lines: [{ label: 'device', points: of('temperatureC') }], format: celsius },
    { title: 'Power', lines: [{ label: 'draw', points: of('powerW') }], format: watts, fromZero: true },
    {
      title: 'Load of the host',
      lines: [{ label: 'one minute', points: of('loadAverage') }],
      format: formatMeasured,
      fromZero: true,
    },
  ].filter(({ lines }) => lines.some(({ points }) => isKnown(points)));
  if (charts.length === 0) {
    return (
      <Panel title="Telemetry">
        <EmptyState
          title="The device and its host have reported nothing yet."
          command="nvidia-smi -q -x | nvidia-smi-parser"
        />
      </Panel>
    );
  }
  return (
    <div className="columns columns-small">
      {charts.map(({ title, lines, format, fromZero }) => (
        <TelemetryChart key={title} title={title} lines={lines} format={format} fromZero={fromZero === true} />
      ))}
    </div>
  );
}

interface TelemetryChartProps {
  readonly title: string;
  readonly lines: readonly { readonly label: string; readonly points: readonly TelemetryPoint[] }[];
  readonly format: (value: number) => string;
  readonly fromZero: boolean;
}

function TelemetryChart({ title, lines, format, fromZero }: TelemetryChartProps): ReactNode {
  const series = useMemo(
    (): ChartSeries[] =>
      lines.filter(({ points }) => isKnown(points)).map(({ label, points }) => telemetryChart(label, points)),
    [lines],
  );
  return (
    <Panel title={title} note="last hour">
      <LineChart
        label={`${title} over the last hour`}
        series={series}
        xIsTime
        xName="at"
        formatY={format}
        yIsBytes={format === formatBytes}
        fromZero={fromZero}
        heightPx={170}
      />
    </Panel>
  );
}

const percent = (value: number): string => `${Math.round(value)}%`;
const celsius = (value: number): string => `${Math.round(value)} °C`;
const watts = (value: number): string => `${Math.round(value)} W`;
