const LINE_MAX = 120;
/** A message in one literal reads, and is searched for, better whole. */
const SENTENCE_LINE_MAX = 160;
const CODE = /\.(ts|tsx|mjs|cjs|js|wgsl|proto|prisma)$/;
const GENERATED = /(^|\/)generated\/|\.generated\.ts$/;

// Written in pieces, so that this file does not break its own rules.
const REGISTRY_HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['binaries', 'prisma', 'sh'],
  ['deb', 'debian', 'org'],
  ['security', 'debian', 'org'],
  ['snapshot', 'debian', 'org'],
  ['pypi', 'org'],
  ['registry-1', 'docker', 'io'],
].map((parts) => parts.join('.'));
const LEFT_OVER = new RegExp(
  `\\b(${['TO', 'FIX', 'XX'].map((start) => start + { TO: 'DO', FIX: 'ME', XX: 'X' }[start]).join('|')})\\b`,
);
const ONLY = new RegExp('\\b(it|test|describe|suite)\\.' + 'only\\(');
const MERGE_LEFT_OVER = /^(<{7}|>{7}) /;
const WGSL_IN_STRING = new RegExp('@' + 'compute\\b|@' + 'group\\(\\d');

/** What may not stand in a file's text, and how long a line may be. */
export function textRules(tree) {
  return [
    ...tree.paths.flatMap((path) => {
      const text = tree.read(path);
      return text === undefined
        ? []
        : text
            .split('\n')
            .flatMap((line, index) =>
              lineFindings(tree, path, line).map((message) => ({ path, line: index + 1, message })),
            );
    }),
    ...lockFile(tree),
  ];
}

function lineFindings({ root }, path, line) {
  const findings = [];
  const host = REGISTRY_HOSTS.find((name) => line.includes(name));
  if (host) findings.push("names a package registry's host: leave the choice of registry to the user's configuration");
  if (mentionsWorkspace(line, root))
    findings.push('names an absolute path of one machine: use a path relative to the repository');
  if (/\bhttps?:\/\/[^\s/@:'"`]+:[^\s/@'"`]+@/.test(line))
    findings.push('holds an address with a password: take it from the configuration');
  if (MERGE_LEFT_OVER.test(line)) findings.push('is left over from a merge: choose what is to stay');
  if (!CODE.test(path) || GENERATED.test(path)) return findings;
  if (line.length > (holdsSentence(line) ? SENTENCE_LINE_MAX : LINE_MAX))
    findings.push(`${line.length} characters, at most ${LINE_MAX}: break the line`);
  if (LEFT_OVER.test(line))
    findings.push('a note of work to do: do it, or state the limit and refuse what is beyond it');
  if (/\s$/.test(line)) findings.push('white space at the end: remove it');
  if (/\.spec\.\w+$/.test(path) && ONLY.test(line))
    findings.push('runs one test alone and drops the others: remove `.only`');
  if (/(?<!\.spec)\.tsx?$/.test(path) && WGSL_IN_STRING.test(line))
    findings.push('WGSL in TypeScript: put it into a .wgsl file of its own, `npm run gen` embeds it');
  return findings;
}

/** A string or template of more than half a line, or an address, neither of which a formatter can break. */
function holdsSentence(line) {
  return /(['"`]).{60,}\1/.test(line) || /https?:\/\/\S{60}/.test(line);
}

function mentionsWorkspace(line, root) {
  return line.includes(`${root}/`) || new RegExp('(^|[\\s"\'`(=:])/(?:work' + '|Users|home/[a-z]+)/[a-z]').test(line);
}

function lockFile(tree) {
  if (!tree.exists('package-lock.json')) return [];
  const path = 'package-lock.json';
  const entries = Object.entries(JSON.parse(tree.read(path)).packages ?? {});
  const resolved = entries.filter(([, entry]) => /^https?:/.test(entry.resolved ?? '')).map(([name]) => name);
  if (resolved.length === 0) return [];
  return [
    {
      path,
      message: `${resolved.length} packages carry a download address (${resolved[0]}, …): \`npm install\` with the repository's .npmrc writes none`,
    },
  ];
}
