/**
 * A shader may say in its header which of its tensors can be stored as f16:
 *
 *     // In f16:   x_NC y_NC             a second shader, NAME_f16, stores these so
 *     // In f16 (logits): b_KN c_MN      another one, NAME_f16_logits, stores those so
 *
 * It is the same text but for their loads, which become f32(…), and their stores, which round once. The line itself
 * is in none of the shaders, so that the one in f32 is what it would be without it. A template's line may name tensors
 * that only some of its shaders have.
 */
const DIRECTIVE = /^\/\/ In f16(?: \((\w+)\))?: +(.+)$/;
/** How elements of a tensor are read, and by which function of half_stores.include.wgsl they are stored. */
const TYPES = {
  f32: { stored: 'f16', load: 'f32', store: 'stored_half' },
  vec4f: { stored: 'vec4<f16>', load: 'vec4f', store: 'stored_half4' },
};

/** The shader itself, and its forms in f16, as [{ name, text }]; `stores` is the text of half_stores.include.wgsl. */
export function halfForms({ name, text }, stores) {
  const lines = text.split('\n');
  const forms = lines.map((line) => DIRECTIVE.exec(line)).filter((match) => match !== null);
  const plain = lines.filter((line) => !DIRECTIVE.test(line)).join('\n');
  return [
    { name, text: plain },
    ...forms.map(([, kind, names]) => {
      const own = `${name}_f16${kind === undefined ? '' : `_${kind}`}`;
      return { name: own, text: halfForm(plain, { name, own, names: names.trim().split(/\s+/), stores }) };
    }),
  ];
}

function halfForm(text, { name, own, names, stores }) {
  const declared = names.filter((tensor) => new RegExp(`^@group.* ${tensor}: array<`, 'm').test(text));
  if (declared.length === 0) throw new Error(`${name}: it has none of ${names.join(', ')} that could be stored as f16`);
  const types = new Map(declared.map((tensor) => [tensor, typeOf(text, tensor, name)]));
  const lines = text.split('\n').map((line) => header(declaration(line, types), name, own));
  const code = lines.findIndex((line) => !line.startsWith('//'));
  const rest = converted(lines.slice(code).join('\n'), types, own);
  // Each function with an empty line behind it, as the include has them; its header is not repeated.
  const functions = stores.slice(stores.indexOf('fn ')).split(/(?<=^}\n)\n/m);
  const called = functions.filter((each) => rest.includes(`${/^fn (\w+)/.exec(each)[1]}(`));
  const entry = rest.indexOf('@compute');
  return `${lines.slice(0, code).join('\n')}\nenable f16;\n${rest.slice(0, entry)}${called.map((each) => `${each}\n`).join('')}${rest.slice(entry)}`;
}

function typeOf(text, tensor, name) {
  const element = new RegExp(`^@group.* ${tensor}: array<(\\w+)>;`, 'm').exec(text)?.[1];
  const type = TYPES[element];
  if (type === undefined) throw new Error(`${name}: ${tensor} is no array of f32 or vec4f that could be stored as f16`);
  return type;
}

function declaration(line, types) {
  return line.replace(/^(@group.* (\w+): array<)(\w+)>/, (all, before, tensor) =>
    types.has(tensor) ? `${before}${types.get(tensor).stored}>` : all,
  );
}

function header(line, name, own) {
  if (line.startsWith(`// ${name} — `)) return line.replace(name, own);
  if (!line.startsWith('// Dispatch:')) return line;
  if (!line.includes('needs: ')) return `${line}; needs: shader-f16`;
  return line.replace('needs: f32 only', 'needs: shader-f16').replace(/needs: (?!shader-f16)/, 'needs: shader-f16, ');
}

/** The code with what it loads and stores of these tensors converted. */
function converted(code, types, name) {
  const use = new RegExp(`//.*|\\b(${[...types.keys()].join('|')})\\b`, 'g');
  let result = '';
  let done = 0;
  for (let match = use.exec(code); match !== null; match = use.exec(code)) {
    const [found, tensor] = match;
    if (tensor === undefined || code.startsWith(': array<', use.lastIndex)) continue;
    const refuse = (problem) => {
      const line = code.slice(code.lastIndexOf('\n', match.index) + 1).split('\n')[0];
      throw new Error(`${name}: "${line.trim()}" ${problem}`);
    };
    const other = `uses ${tensor} other than by loads and stores of whole elements`;
    if (code[use.lastIndex] !== '[') refuse(other);
    const end = closing(code, use.lastIndex);
    const index = converted(code.slice(use.lastIndex + 1, end), types, name);
    const { load, store } = types.get(tensor);
    const [assigned, operator] = /^ ([+*/-]?)=(?!=) /.exec(code.slice(end + 1)) ?? [];
    if (/^(\.\w+|\[[^\]]*\]) [+*/-]?= /.test(code.slice(end + 1))) refuse(other);
    if (operator) refuse(`would round each time that it changes ${tensor}: change a variable, and store it once`);
    result += code.slice(done, match.index);
    done = end + 1;
    if (assigned === undefined) {
      result += `${load}(${found}[${index}])`;
    } else {
      const from = end + 1 + assigned.length;
      done = code.indexOf(';', from);
      result += `${found}[${index}] = ${store}(${converted(code.slice(from, done), types, name)})`;
    }
    use.lastIndex = done;
  }
  return result + code.slice(done);
}

/** Where the bracket that opens at `start` is closed. */
function closing(code, start) {
  let depth = 0;
  for (let index = start; index < code.length; index++) {
    if (code[index] === '[') depth++;
    if (code[index] === ']' && --depth === 0) return index;
  }
  throw new Error(`a bracket is not closed: ${code.slice(start, start + 40)}`);
}
