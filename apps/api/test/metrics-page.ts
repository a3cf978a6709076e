import { METRICS } from '@millrace/contracts';

const HEADER = `# Metrics of a run

\`GET /runs/{id}/metrics?name=…\` and \`millrace metrics\` give their points: one per step, ascending. A later attempt's
point of a step replaces an earlier one's. [Where the time goes](how-to/see-where-the-time-goes.md) reads the pipeline's.

The two bubbles count what each rank measured. The simulation's \`bubbleOfTotal\` and \`bubbleOfIdeal\` (of
\`millrace plan\` and \`millrace schedule\`) are the same ratios of its own times.

| name | meaning |
|---|---|
`;

/** docs/metrics.md */
export function metricsPage(): string {
  return `${HEADER}${Object.entries(METRICS)
    .map(([name, meaning]) => `| \`${name}\` | ${meaning} |\n`)
    .join('')}`;
}
