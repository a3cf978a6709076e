/**
 * Shaders that differ in little are written once, in a NAME.template.wgsl, and expanded when they are embedded:
 *
 *     #expand NAME flag key=value …   a shader that this template gives, and what is said of it; before all other lines
 *     #if flag, #if !flag             lines that only some of them have, up to
 *     #else, #end
 *     #for i 16                       lines that are repeated for i = 0 to 15, up to #end; the count may be a key
 *     ${key}, ${key+8}                the value, or 8 more; ${name} is the shader's name, ${i} the repetition's number
 *
 * Everything else is WGSL, and sizes are computed by WGSL's own constants.
 */
const DIRECTIVE = /^\s*#(\w+) ?(.*)$/;

/** The shaders of a template as [{ name, text }], in its order. Throws an Error that names path and line. */
export function expandTemplate(path, source) {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  const count = lines.findIndex((line) => !line.startsWith('#expand '));
  if (count <= 0) throw new Error(`${path}:1: a template begins with the shaders that it gives: "#expand NAME flag …"`);
  const tree = parse(path, lines, count);
  return lines.slice(0, count).map((line, index) => {
    const values = valuesOf(line, `${path}:${index + 1}`);
    return { name: values.get('name'), text: render(path, tree, values).join('\n') };
  });
}

function valuesOf(line, place) {
  const [, name, ...words] = line.split(/\s+/);
  const pairs = words.map((word) => (word.includes('=') ? word.split('=') : [word, '1']));
  const values = new Map([['name', name], ...pairs]);
  if (values.size !== pairs.length + 1) throw new Error(`${place}: a word is given twice: "${line}"`);
  return values;
}

/** Lines and blocks: { line, text } or { line, kind, argument, body, otherwise }. */
function parse(path, lines, start) {
  const root = { body: [] };
  const open = [root];
  lines.slice(start).forEach((text, index) => {
    const line = start + index + 1;
    const block = open.at(-1);
    const into = block.otherwise ?? block.body;
    const [, kind, argument] = DIRECTIVE.exec(text) ?? [];
    if (kind === undefined) into.push({ line, text });
    else if (kind === 'if' || kind === 'for') {
      const inner = { line, kind, argument, body: [] };
      into.push(inner);
      open.push(inner);
    } else if (kind === 'else' && block.kind === 'if' && block.otherwise === undefined) block.otherwise = [];
    else if (kind === 'end' && open.length > 1) open.pop();
    else throw new Error(`${path}:${line}: "${text.trim()}" has no meaning here: see expand-template.mjs`);
  });
  if (open.length > 1) throw new Error(`${path}:${open.at(-1).line}: this block has no #end`);
  return root.body;
}

function render(path, nodes, values) {
  return nodes.flatMap((node) => {
    const place = `${path}:${node.line}`;
    if (node.kind === undefined) return [substitute(node.text, values, place)];
    if (node.kind === 'if') {
      const [, not, flag] = /^(!?)(\w+)$/.exec(node.argument) ?? [];
      if (flag === undefined) throw new Error(`${place}: "#if ${node.argument}" is neither "#if flag" nor "#if !flag"`);
      return render(path, values.has(flag) === (not === '') ? node.body : (node.otherwise ?? []), values);
    }
    const [, variable, times] = /^([a-z]) (\w+)$/.exec(node.argument) ?? [];
    const count = Number(values.get(times) ?? times);
    if (!Number.isInteger(count) || count < 1 || values.has(variable))
      throw new Error(`${place}: "#for ${node.argument}" is not "#for i 16": a new letter, a count or a key`);
    return Array.from({ length: count }, (_, i) =>
      render(path, node.body, new Map([...values, [variable, String(i)]])),
    ).flat();
  });
}

function substitute(text, values, place) {
  return text.replace(/\$\{(\w+)(?:\+(\d+))?\}/g, (_, key, more) => {
    if (!values.has(key)) throw new Error(`${place}: \${${key}} is given by no #expand and no #for`);
    return more === undefined ? values.get(key) : String(Number(values.get(key)) + Number(more));
  });
}
