import type { Registry } from 'prom-client';

const HEADER = `# What /metrics tells

\`GET /metrics\`, without a token, in Prometheus' text format: names after Kueue's (workloads), DCGM's (devices) and
prom-client's (process). No label holds the id of a run, a user or an agent. With several replicas scrape each one:
counters and histograms are of a replica, gauges of runs, agents and devices are the same at all of them (take \`max\`),
and \`millrace_sessions\` adds up. A device's value that is unknown has no sample.

[deploy/grafana](../deploy/grafana/README.md) has a dashboard and alert rules made of them.

| name | type | labels | meaning |
|---|---|---|---|
`;

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly constructor: { readonly name: string };
}

/** docs/prometheus.md */
export function prometheusPage(registry: Registry): string {
  const metrics = registry.getMetricsAsArray() as unknown as Described[];
  return `${HEADER}${[...metrics]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, labelNames, constructor }) => {
      const labels = labelNames.filter((label) => label !== 'le').map((label) => `\`${label}\``);
      return `| \`${name}\` | ${constructor.name.toLowerCase()} | ${labels.join(', ')} | ${help} |\n`;
    })
    .join('')}`;
}
