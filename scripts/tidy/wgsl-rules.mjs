import { basename, dirname } from 'node:path';
import { expandTemplate } from '../kernels/expand-template.mjs';

const LINES_MAX = 150;
/** A template says for every layout what it does, besides directives. */
const TEMPLATE_LINES_MAX = 220;
const LABELS = ['Shapes', 'Dispatch', 'Method', 'Source', 'Checked'];
/** Functions that shaders include are launched by none of their own. */
const INCLUDE = /\.include\.wgsl$/;
const TEMPLATE = /\.template\.wgsl$/;
const INCLUDE_LABELS = ['Method', 'Source', 'Checked'];
const BINDING =
  /^@group\((\d+)\) @binding\((\d+)\) var<(uniform|storage, read|storage, read_write)> (\w+): [^;]+;(.*)$/;
/** Long launches are cut into dispatches: each is told which of the launch's workgroups it begins with. */
const FIRST_GROUP =
  '@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch';
const INDEX = 'first_group + group.y * groups.x + group.x';
const RANK = { uniform: 0, 'storage, read': 1, 'storage, read_write': 2 };

/**
 * The form of a kernel: header, one entry point, bindings that its TypeScript names too, overrides. A template is held
 * to it by each of the shaders that it gives.
 */
export function wgslRules(tree) {
  return tree.paths
    .filter((path) => path.endsWith('.wgsl'))
    .flatMap((path) => {
      const text = tree.read(path);
      const isTemplate = TEMPLATE.test(path);
      const findings = isTemplate ? template(tree, path, text) : shader(tree, path, text);
      const count = text.split('\n').filter((line) => !(isTemplate && /^\s*#/.test(line))).length - 1;
      const max = isTemplate ? TEMPLATE_LINES_MAX : LINES_MAX;
      if (count > max)
        findings.push({ message: `${count} lines, at most ${max}: split the computation into two kernels` });
      return findings.map((finding) => ({ path, ...finding }));
    });
}

/** The line of a finding is one of the shader, which is told by its name. */
function template(tree, path, text) {
  try {
    return expandTemplate(path, text).flatMap((each) =>
      kernel(tree, { path, name: each.name, lines: each.text.split('\n') }).map(({ line, message }) => ({
        message: `${each.name}${line === undefined ? '' : `:${line}`}: ${message}`,
      })),
    );
  } catch (error) {
    return [{ message: error.message.replace(`${path}:`, 'line ') }];
  }
}

function shader(tree, path, text) {
  const lines = text.split('\n');
  const name = basename(path, '.wgsl');
  return INCLUDE.test(path)
    ? [...header(name, lines, INCLUDE_LABELS), ...includeAlone(lines)]
    : kernel(tree, { path, name, lines });
}

function kernel(tree, { path, name, lines }) {
  return [
    ...header(name, lines, LABELS),
    ...entryPoint(lines),
    ...bindings(tree, path, lines),
    ...launch(lines),
    ...overrides(lines),
  ];
}

function header(name, lines, labels) {
  const findings = [];
  if (!lines[0].startsWith(`// ${name} — `))
    findings.push({ line: 1, message: `the first line says what is computed: "// ${name} — y = …"` });
  const end = lines.findIndex((line) => !line.startsWith('//'));
  const head = lines.slice(0, end === -1 ? lines.length : end);
  const found = head.map((line) => /^\/\/ (\w+): +\S/.exec(line)?.[1]).filter((label) => LABELS.includes(label));
  if (found.join() !== labels.join())
    findings.push({
      line: 2,
      message: `the header has the lines ${labels.join(', ')}, in this order, none of them empty`,
    });
  return findings;
}

/** What several shaders include gets everything as arguments. */
function includeAlone(lines) {
  const line = lines.findIndex((text) => /^\s*(@compute|@group|override)\b/.test(text)) + 1;
  return line === 0 ? [] : [{ line, message: 'an include has functions and constants alone: pass it what it needs' }];
}

function entryPoint(lines) {
  const text = lines.join('\n');
  const count = text.match(/^\s*@compute\b/gm)?.length ?? 0;
  if (count !== 1) return [{ message: `${count} entry points: a file has one, called main` }];
  return /@compute[^{]*?\bfn main\s*\(/s.test(text) ? [] : [{ message: 'the entry point is called main' }];
}

function bindings(tree, path, lines) {
  const declared = lines
    .map((line, index) => ({ line: index + 1, text: line }))
    .filter(({ text }) => /^\s*@(group|binding)\b/.test(text) && text !== FIRST_GROUP);
  const descriptors = descriptorText(tree, path);
  let rank = 0;
  return declared.flatMap(({ line, text }, index) => {
    const match = BINDING.exec(text);
    if (!match)
      return [
        {
          line,
          message:
            'a binding stands on one line: "@group(0) @binding(0) var<storage, read> x_NC: array<f32>; // [N,C] meaning"',
        },
      ];
    const [, group, number, access, name, comment] = match;
    const findings = [];
    if (group !== '0' || Number(number) !== index)
      findings.push(
        `bindings are in group 0, contiguous from 0 in the order of the file: this one is @group(0) @binding(${index})`,
      );
    if (RANK[access] < rank)
      findings.push('bindings come in the order uniform, inputs (read), outputs (read_write): move this one up');
    rank = Math.max(rank, RANK[access]);
    if (!/^ *\/\/ \[.*\],? \S/.test(comment))
      findings.push('a binding says its shape and meaning: "// [N,C] what it holds"');
    if (descriptors && !new RegExp(`\\b${name}\\b`).test(descriptors))
      findings.push(`no .ts in this folder names the binding ${name}: list it in the kernel's descriptor`);
    return findings.map((message) => ({ line, message }));
  });
}

/** A launch can be cut between any two workgroups if shaders know theirs by its place in the whole launch alone. */
function launch(lines) {
  const findings = [];
  if (!lines.includes(FIRST_GROUP))
    findings.push({ message: 'the last binding is first_group in group 1: copy the line of another kernel' });
  const rest = lines.map((line) => line.replace(INDEX, ''));
  const indexes = lines.filter((line) => line.includes(INDEX)).length;
  const line = rest.findIndex((text) => /\bgroup\.|\bgroups\.[xy]|\bglobal_invocation_id\b/.test(text)) + 1;
  if (indexes !== 1 || line > 0)
    findings.push({
      ...(line > 0 && { line }),
      message: `a workgroup knows its place by "${INDEX}" alone, written once`,
    });
  return findings;
}

function descriptorText(tree, path) {
  return tree.paths
    .filter((other) => dirname(other) === dirname(path) && /(?<!\.spec)\.ts$/.test(other))
    .map((other) => tree.read(other))
    .join('\n');
}

function overrides(lines) {
  return lines.flatMap((line, index) => {
    const name = /^\s*override (\w+)/.exec(line)?.[1];
    return name && !/^[A-Z][A-Z0-9_]*$/.test(name)
      ? [{ line: index + 1, message: `override ${name}: overrides are UPPER_CASE` }]
      : [];
  });
}
