/** One family of Prometheus' text format. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
/** What promtool calls not a base unit, and what to use instead. */
const OTHER_UNITS =
  /_(milliseconds|ms|microseconds|minutes|hours|days|kilobytes|megabytes|mebibytes|percent|fahrenheit|bits)(_|$)/;

/** Parses strictly: anything that is not in the format throws. */
export function parseExposition(text: string): MetricFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families: (MetricFamily & { samples: MetricFamily['samples'][number][] })[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    const current = families.at(-1);
    if (keyword === 'HELP') families.push({ name, help: rest, type: '', samples: [] });
    else if (keyword === 'TYPE') {
      if (current?.name !== name || current.samples.length > 0) throw new Error(`${line}: not after its HELP`);
      families[families.length - 1] = { ...current, type: rest };
    } else {
      const sample = parseSample(line);
      if (!current || !belongs(sample.name, current)) throw new Error(`${line}: not under its own TYPE`);
      current.samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): MetricFamily['samples'][number] {
  const [, name = '', inner = '', number = ''] = SAMPLE.exec(line) ?? [];
  const value = number === '+Inf' ? Infinity : Number(number);
  if (name === '' || number === '' || Number.isNaN(value)) throw new Error(`${line}: not a sample`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  for (let match = LABEL.exec(inner); match; match = LABEL.exec(inner)) {
    const [, label = '', text = ''] = match;
    if (label in labels) throw new Error(`${line}: ${label} is there twice`);
    labels[label] = text;
    end = LABEL.lastIndex;
  }
  if (end !== inner.length) throw new Error(`${line}: labels are malformed`);
  return { name, labels, value };
}

function belongs(name: string, { name: family, type }: MetricFamily): boolean {
  const suffix = name.slice(family.length);
  return (
    name.startsWith(family) &&
    (suffix === '' || (type === 'histogram' && ['_bucket', '_sum', '_count'].includes(suffix)))
  );
}

/** What `promtool check metrics` finds fault with, in its order of rules. */
export function lintFamilies(families: readonly MetricFamily[]): string[] {
  const seen = new Set<string>();
  return families.flatMap(({ name, type, help, samples }) => {
    const faults: string[] = [];
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    const keys = samples.map((sample) => JSON.stringify([sample.name, sample.labels]));
    if (seen.has(name)) faults.push('is there twice');
    seen.add(name);
    if (help.trim() === '') faults.push('has no help');
    if (!['counter', 'gauge', 'histogram'].includes(type)) faults.push(`has the type ${type}`);
    if (!/^[a-z][a-z0-9_]*$/.test(name)) faults.push('is not in snake case');
    if ([...labels].some((label) => !/^[a-z][a-z0-9_]*$/.test(label)))
      faults.push('has a label that is not in snake case');
    if (OTHER_UNITS.test(name)) faults.push('is not in a base unit');
    if ((type === 'counter') !== name.endsWith('_total')) faults.push('_total is for counters, and all of them');
    if (type !== 'histogram' && (labels.has('le') || /_(bucket|count|sum)$/.test(name)))
      faults.push('looks like a histogram');
    if (labels.has('quantile')) faults.push('has the label quantile, which is for summaries');
    if (name.includes(type)) faults.push('has its type in its name');
    if (new Set(keys).size !== keys.length) faults.push('has the same sample twice');
    return faults.map((fault) => `${name} ${fault}`);
  });
}
