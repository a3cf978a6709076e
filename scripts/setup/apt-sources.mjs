/**
 * Reads apt's two formats, one source per line (`.list`) and paragraphs of fields (`.sources`), to
 * `{ uris, suites, components, options }` each; options are deb822 fields such as Signed-By.
 */
export function parseAptSources(text, format) {
  return format === 'deb822' ? parseParagraphs(text) : text.split('\n').flatMap((line) => parseLine(line));
}

function parseLine(line) {
  const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
  if (!match) return [];
  const [, bracket = '', uri, suite, components] = match;
  const options = Object.fromEntries(
    bracket
      .split(/\s+/)
      .filter(Boolean)
      .map((option) => {
        const [name, ...value] = option.split('=');
        return [FIELD_OF_OPTION[name.toLowerCase()] ?? name, value.join('=').replaceAll(',', ' ')];
      }),
  );
  return [{ uris: [uri], suites: [suite], components: words(components), options }];
}

/** Names that differ between the formats; the rest is spelt alike up to case. */
const FIELD_OF_OPTION = {
  'signed-by': 'Signed-By',
  arch: 'Architectures',
  trusted: 'Trusted',
  'check-valid-until': 'Check-Valid-Until',
};

function parseParagraphs(text) {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map();
    let name;
    for (const line of paragraph.split('\n').filter((line) => !line.startsWith('#'))) {
      const start = /^([A-Za-z][A-Za-z-]*):\s*(.*)$/.exec(line);
      if (start) fields.set((name = start[1].toLowerCase()), { name: start[1], value: start[2] });
      // A line that begins with a space goes on with the field: an embedded key, say.
      else if (name && /^\s/.test(line)) fields.get(name).value += `\n${line}`;
    }
    const list = (key) => words(fields.get(key)?.value ?? '');
    if (!list('types').includes('deb') || fields.get('enabled')?.value.trim() === 'no') return [];
    const used = ['types', 'uris', 'suites', 'components', 'enabled'];
    const options = [...fields].filter(([key]) => !used.includes(key)).map(([, field]) => [field.name, field.value]);
    return [
      {
        uris: list('uris'),
        suites: list('suites'),
        components: list('components'),
        options: Object.fromEntries(options),
      },
    ];
  });
}

/**
 * A deb822 file with the machine's sources of Debian `codename` (updates and security too: they are installed) and
 * `suite` from where `codename` itself comes. Undefined if there is no such source.
 */
export function temporarySources(sources, codename, suite) {
  const known = ['', '-updates', '-security', '-backports', '/updates'].map((suffix) => codename + suffix);
  const own = sources
    .map((source) => ({ ...source, suites: source.suites.filter((name) => known.includes(name)) }))
    .filter((source) => source.suites.length > 0 && source.components.includes('main'));
  const bases = own.filter((source) => source.suites.includes(codename));
  // Other vendors name their suites after Debian's releases too, but keep no backports.
  const base = bases.find((source) => source.uris.some((uri) => /\/debian(\/|$)/.test(uri))) ?? bases[0];
  if (!base) return undefined;
  const present = own.some((source) => source.suites.includes(suite));
  return [...own, ...(present ? [] : [{ ...base, suites: [suite] }])].map(formatParagraph).join('\n');
}

function formatParagraph({ uris, suites, components, options }) {
  const fields = [
    ['Types', 'deb'],
    ['URIs', uris.join(' ')],
    ['Suites', suites.join(' ')],
    ['Components', components.join(' ')],
    ...Object.entries(options),
  ];
  return `${fields
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n`;
}

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}
