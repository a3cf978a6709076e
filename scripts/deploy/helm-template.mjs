/**
 * Renders the chart's templates without Helm, which no package registry has: the part of Go's text/template that the
 * chart uses. What it does not know is an error, so that a template cannot grow past what is tested.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

const ACTION = /\{\{(-?)([\s\S]*?)(-?)\}\}/g;
const TOKEN = /"(?:[^"\\]|\\.)*"|\(|\)|\||:=|,|[^\s()|,]+/g;
const filled = (value) =>
  !(
    value === undefined ||
    value === null ||
    value === '' ||
    value === 0 ||
    value === false ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );

/** File name -> YAML text. `overrides` replaces whole top-level values. */
export function renderChart(folder, overrides = {}) {
  const read = (name) => readFileSync(join(folder, name), 'utf8');
  const chart = parse(read('Chart.yaml'));
  const root = {
    Values: { ...parse(read('values.yaml')), ...overrides },
    Chart: { Name: chart.name, AppVersion: chart.appVersion },
    Release: { Name: 'test', Namespace: 'training', Service: 'Helm' },
  };
  const names = readdirSync(join(folder, 'templates')).sort();
  const defined = new Map();
  const trees = names.map((name) => [name, parseTemplate(read(join('templates', name)), defined)]);
  return new Map(
    trees
      .filter(([name]) => name.endsWith('.yaml'))
      .map(([name, tree]) => [name, renderTree(tree, { root, defined, variables: new Map() })]),
  );
}

function parseTemplate(text, defined) {
  const pieces = [];
  let end = 0;
  let trim = false;
  for (const match of text.matchAll(ACTION)) {
    const before = text.slice(end, match.index);
    const left = trim ? before.trimStart() : before;
    pieces.push({ text: match[1] === '-' ? left.trimEnd() : left }, { action: match[2].trim() });
    trim = match[3] === '-';
    end = match.index + match[0].length;
  }
  pieces.push({ text: trim ? text.slice(end).trimStart() : text.slice(end) });
  return parseBlock(pieces, defined).nodes;
}

/** Takes pieces up to the `else` or `end` that closes the block. */
function parseBlock(pieces, defined) {
  const nodes = [];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
    if (piece.text !== undefined) nodes.push(piece);
    else if (piece.action === 'end' || piece.action === 'else') return { nodes, closedBy: piece.action };
    else if (piece.action.startsWith('define '))
      defined.set(JSON.parse(piece.action.slice(7)), parseBlock(pieces, defined).nodes);
    else if (/^(if|range) /.test(piece.action)) {
      const body = parseBlock(pieces, defined);
      const otherwise = body.closedBy === 'else' ? parseBlock(pieces, defined).nodes : [];
      nodes.push({ block: piece.action, body: body.nodes, otherwise });
    } else nodes.push(piece);
  }
  return { nodes };
}

function renderTree(nodes, scope) {
  return nodes.map((node) => renderNode(node, scope)).join('');
}

function renderNode(node, scope) {
  if (node.text !== undefined) return node.text;
  if (node.block?.startsWith('if ')) {
    return renderTree(filled(evaluate(node.block.slice(3), scope)) ? node.body : node.otherwise, scope);
  }
  if (node.block) {
    const [, key, value, expression] = /^range (\$\w+), (\$\w+) := (.+)$/.exec(node.block);
    return Object.entries(evaluate(expression, scope) ?? {})
      .map(([k, v]) =>
        renderTree(node.body, { ...scope, variables: new Map([...scope.variables, [key, k], [value, v]]) }),
      )
      .join('');
  }
  const [, variable, expression] = /^(\$\w+) := ([\s\S]+)$/.exec(node.action) ?? [];
  if (variable === undefined) return String(evaluate(node.action, scope) ?? '');
  scope.variables.set(variable, evaluate(expression, scope));
  return '';
}

function evaluate(text, scope) {
  const tokens = text.match(TOKEN) ?? [];
  const value = pipeline(tokens, scope);
  if (tokens.length > 0) throw new Error(`{{ ${text} }}: ${tokens.join(' ')} is left over`);
  return value;
}

function pipeline(tokens, scope) {
  let piped = [];
  for (;;) {
    const words = [];
    while (tokens.length > 0 && tokens[0] !== '|' && tokens[0] !== ')') words.push(operand(tokens, scope));
    const [head, ...rest] = [...words, ...piped];
    const value = typeof head === 'function' ? head(...rest) : head;
    if (tokens[0] !== '|') return value;
    tokens.shift();
    piped = [value];
  }
}

function operand(tokens, scope) {
  const token = tokens.shift();
  if (token === '(') {
    const value = pipeline(tokens, scope);
    if (tokens.shift() !== ')') throw new Error('a bracket is open');
    return value;
  }
  if (token.startsWith('"')) return JSON.parse(token);
  if (/^\d+$/.test(token)) return Number(token);
  if (token === '.') return scope.root;
  const [start, ...path] = token.split('.');
  if (start === '' || start.startsWith('$')) {
    const from = start === '' ? scope.root : scope.variables.get(start);
    return path.reduce((value, name) => value?.[name], from);
  }
  const found = functions(scope)[token];
  if (found === undefined) throw new Error(`the renderer of the tests does not know ${token}`);
  return found;
}

function functions(scope) {
  return {
    include: (name) => renderTree(scope.defined.get(name), { ...scope, variables: new Map() }),
    nindent: (count, text) => `\n${text}`.replaceAll('\n', `\n${' '.repeat(count)}`),
    quote: (value) => JSON.stringify(String(value)),
    default: (standard, value) => (filled(value) ? value : standard),
    printf: (format, ...values) => format.replaceAll(/%[sv]/g, () => String(values.shift())),
    toYaml: (value) => stringify(value).trimEnd(),
    not: (value) => !filled(value),
    and: (...values) => values.find((value) => !filled(value)) ?? values.at(-1),
    gt: (a, b) => a > b,
    eq: (a, b) => a === b,
    ne: (a, b) => a !== b,
    int: Number,
    list: (...values) => values,
    index: (value, key) => value[key],
    lookup: () => ({}),
    b64enc: (text) => Buffer.from(text).toString('base64'),
    genCA: (name) => ({ Cert: `certificate of ${name}`, Key: 'key' }),
    genSignedCert: (name, addresses, names) => ({
      Cert: `certificate of ${[name, ...addresses, ...names].join(' ')}`,
      Key: 'key',
    }),
    required: (message, value) => (filled(value) ? value : fail(message)),
    fail,
  };
}

function fail(message) {
  throw new Error(message);
}
