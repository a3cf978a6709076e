import { afterEach, describe, expect, it } from 'vitest';
import { writeTree } from '../process/write-tree.mjs';
import { tidy } from '../tidy.mjs';

let tree;
afterEach(() => tree?.remove());

function findings(files) {
  tree = writeTree(files);
  return tidy(tree.root);
}

const KERNEL = [
  '// add_forward — y = a + b',
  '// Shapes:   a[L] b[L] -> y[L]',
  '// Dispatch: one invocation per element; needs: f32 only',
  '// Method:   elementwise',
  '// Source:   definition; CPU twin add.cpu.ts',
  '// Checked:  add.spec.ts, 1e-7 vs f64',
  '@group(0) @binding(0) var<storage, read> a_L: array<f32>; // [L] first summand',
  '@group(0) @binding(1) var<storage, read> b_L: array<f32>; // [L] second summand',
  '@group(0) @binding(2) var<storage, read_write> y_L: array<f32>; // [L] sum',
  '@group(1) @binding(0) var<uniform> first_group: u32; // where this dispatch begins in the whole launch',
  '',
  'override WG: u32;',
  '',
  '@' + 'compute @workgroup_size(WG)',
  'fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {',
  '  let i = first_group + group.y * groups.x + group.x;',
  '  y_L[i] = a_L[i] + b_L[i];',
  '}',
  '',
];
const DESCRIPTOR = "export const bindings = ['a_L', 'b_L', 'y_L'];\n";

describe('tidy', () => {
  it('finds nothing in a tidy tree', () => {
    const files = {
      '.gitignore': 'dist/\n*.log\n',
      'dist/Bad_Name.ts': '',
      'debug.log': '',
      'README.md': 'See `libs/add/src/add.ts`, [the kernel](libs/add/src/add_forward.wgsl) and `libs/NAME/src`.\n',
      'libs/add/src/add.ts': DESCRIPTOR,
      'libs/add/src/add_forward.wgsl': KERNEL.join('\n'),
    };
    expect(findings(files)).toEqual([]);
  });

  it('finds an exported name with two declarations, in one library or in two', () => {
    const files = {
      'libs/add/src/one.ts':
        'export interface Cell {}\nexport function sum(): void;\nexport function sum(a?: number) {}\n',
      'libs/add/src/rows/two.ts': 'export type Cell = 1;\n',
      'libs/add/src/one.spec.ts': 'export const sum = 1;\n',
      'libs/other/src/cell.ts': 'export class Cell {}\n',
    };
    expect(findings(files)).toEqual([
      'libs/add/src/rows/two.ts: exports Cell, as one.ts does (libs/add/src/one.ts): import it, or call one of them what it is',
      'libs/other/src/cell.ts: exports Cell, as one.ts does (libs/add/src/one.ts): import it, or call one of them what it is',
    ]);
  });

  it('lets each library make its errors by names of its own', () => {
    const errors = 'export function storageFailed() {}\n';
    const files = { 'libs/add/src/add.errors.ts': errors, 'libs/other/src/other.errors.ts': errors };
    expect(findings(files)).toEqual([]);
    tree.remove();
    expect(findings({ ...files, 'libs/add/src/sum.errors.ts': errors })).toEqual([
      'libs/add/src/sum.errors.ts: exports storageFailed, as add.errors.ts does (libs/add/src/add.errors.ts): import it, or call one of them what it is',
    ]);
  });

  it('finds a question for the name of a schedule where its trait would say more', () => {
    const files = {
      'libs/pipeline/src/schedule/schedule.ts': "export const SCHEDULE_NAMES = [\n  'gpipe',\n  'zb-v',\n] as const;\n",
      'libs/pipeline/src/schedule/kinds/recipes.ts': "export const isVee = (name: string) => name === 'zb-v';\n",
      'apps/api/src/pace.ts': "const first = 'gpipe';\nexport const isFast = (name: string) => name !== 'zb-v';\n",
    };
    expect(findings(files)).toEqual([
      'apps/api/src/pace.ts:2: asks whether a schedule is zb-v: ask for a trait of it (scheduleTraits) instead',
    ]);
  });

  it('finds a method of the SDK that nobody calls', () => {
    const files = {
      'libs/sdk/src/tea-client.ts':
        'export class TeaClient {\n  constructor() {}\n  run(): void {}\n  async *pots(): void {}\n  cups(): void {}\n  private pour(): void {}\n}\n',
      'apps/cli/src/show.ts': 'await client.run(1);\nfor await (const pot of client.accounts.pots()) show(pot);\n',
      'apps/api/src/other.ts': 'client.cups();\n',
    };
    expect(findings(files)).toEqual([
      'libs/sdk/src/tea-client.ts: nothing calls cups: remove it, or let who asks the API by hand use it',
    ]);
  });

  it('finds what a merge left over, in documents too', () => {
    const files = { 'README.md': `a\n${'<'.repeat(7)} HEAD\nb\n${'>'.repeat(7)} other\n` };
    expect(findings(files)).toEqual([
      'README.md:2: is left over from a merge: choose what is to stay',
      'README.md:4: is left over from a merge: choose what is to stay',
    ]);
  });

  it('says of names what to call them instead', () => {
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`libs/many/file-${index}.ts`, '']));
    const files = {
      'libs/core/src/utils.ts': '',
      'libs/core/src/run-manager.ts': '',
      'libs/shared/Clock.ts': '',
      'apps/myApp/a.ts': '',
      ...many,
    };
    expect(findings(files)).toMatchInlineSnapshot(`
      [
        "apps/myApp: folder names are kebab-case: rename it",
        "libs/core/src/run-manager.ts: "manager" says nothing: name the file after the one thing it does",
        "libs/core/src/utils.ts: "utils" says nothing: name the file after the one thing it does",
        "libs/many: 13 files, at most 12 can be taken in at a glance: split the folder by what the files do",
        "libs/shared: "shared" says nothing: name the folder after what its files do",
        "libs/shared/Clock.ts: file names are kebab-case (.wgsl, .proto and .sql snake_case): rename it",
      ]
    `);
  });

  it('holds the exceptions for large folders to their reason and to the present size', () => {
    const ratchet = { folders: { 'libs/small': { files: 14, reason: 'once large' }, 'libs/other': { files: 13 } } };
    const files = { 'libs/small/a.ts': '', 'scripts/tidy/ratchet.json': JSON.stringify(ratchet) };
    expect(findings(files)).toMatchInlineSnapshot(`
      [
        "scripts/tidy/ratchet.json: libs/small has 1 files now, 14 are allowed: remove the exception",
        "scripts/tidy/ratchet.json: the exception for libs/other gives no reason: add one",
      ]
    `);
  });

  it('holds the exceptions for many dependencies to a file that is there and to a reason', () => {
    const dependencies = {
      'apps/api/src/gone.ts': { count: 7, reason: 'once large' },
      'apps/api/src/table.ts': { count: 9, reason: 'one for each kind of message' },
      'apps/api/src/large.ts': { count: 8 },
    };
    const files = {
      'apps/api/src/table.ts': '',
      'apps/api/src/large.ts': '',
      'scripts/tidy/ratchet.json': JSON.stringify({ folders: {}, dependencies }),
    };
    expect(findings(files)).toEqual([
      'scripts/tidy/ratchet.json: there is no apps/api/src/gone.ts: remove its exception',
      'scripts/tidy/ratchet.json: the exception for apps/api/src/large.ts gives no reason: add one',
    ]);
  });

  it('says of text what to do instead', () => {
    const files = {
      'libs/core/src/long.ts': `const a = [${'1, '.repeat(40)}];\n// TO${'DO'} later\nconst b = 1; \n`,
      'libs/core/src/sentence.ts': `const a = '${'word '.repeat(24)}';\n`,
      'libs/core/src/shader.ts': `const wgsl = '@${'compute'} fn main() {}';\n`,
      'libs/core/src/one.spec.ts': `it.${'only'}('runs alone', () => {});\n`,
      'docs/install.md': `Get it from ${'https'}://${['registry', 'npmjs', 'org'].join('.')}/millrace into /${'work'}/place.\n`,
      'package-lock.json': JSON.stringify({
        packages: { 'node_modules/a': { resolved: 'https' + '://somewhere/a.tgz' } },
      }),
    };
    expect(findings(files)).toMatchInlineSnapshot(`
      [
        "docs/install.md:1: names a package registry's host: leave the choice of registry to the user's configuration",
        "docs/install.md:1: names an absolute path of one machine: use a path relative to the repository",
        "libs/core/src/long.ts:1: 133 characters, at most 120: break the line",
        "libs/core/src/long.ts:2: a note of work to do: do it, or state the limit and refuse what is beyond it",
        "libs/core/src/long.ts:3: white space at the end: remove it",
        "libs/core/src/one.spec.ts:1: runs one test alone and drops the others: remove \`.only\`",
        "libs/core/src/shader.ts:1: WGSL in TypeScript: put it into a .wgsl file of its own, \`npm run gen\` embeds it",
        "package-lock.json: 1 packages carry a download address (node_modules/a, …): \`npm install\` with the repository's .npmrc writes none",
      ]
    `);
  });

  it('knows the form of a kernel', () => {
    const wrong = [...KERNEL];
    wrong[0] = '// adds two tensors';
    [wrong[3], wrong[4]] = [wrong[4], wrong[3]];
    wrong[6] = '@group(0) @binding(0) var<storage, read_write> a_L: array<f32>; // first summand';
    wrong[8] = '@group(0) @binding(3) var<storage, read_write> z_L: array<f32>; // [L] sum';
    wrong[9] = '';
    wrong[11] = 'override workgroup: u32;';
    wrong[14] = 'fn add(@builtin(global_invocation_id) id: vec3u) {';
    const files = { 'libs/add/src/add.ts': DESCRIPTOR, 'libs/add/src/add_forward.wgsl': wrong.join('\n') };
    expect(findings(files)).toMatchInlineSnapshot(`
      [
        "libs/add/src/add_forward.wgsl: the entry point is called main",
        "libs/add/src/add_forward.wgsl: the last binding is first_group in group 1: copy the line of another kernel",
        "libs/add/src/add_forward.wgsl:1: the first line says what is computed: "// add_forward — y = …"",
        "libs/add/src/add_forward.wgsl:2: the header has the lines Shapes, Dispatch, Method, Source, Checked, in this order, none of them empty",
        "libs/add/src/add_forward.wgsl:7: a binding says its shape and meaning: "// [N,C] what it holds"",
        "libs/add/src/add_forward.wgsl:8: bindings come in the order uniform, inputs (read), outputs (read_write): move this one up",
        "libs/add/src/add_forward.wgsl:9: bindings are in group 0, contiguous from 0 in the order of the file: this one is @group(0) @binding(2)",
        "libs/add/src/add_forward.wgsl:9: no .ts in this folder names the binding z_L: list it in the kernel's descriptor",
        "libs/add/src/add_forward.wgsl:12: override workgroup: overrides are UPPER_CASE",
        "libs/add/src/add_forward.wgsl:15: a workgroup knows its place by "first_group + group.y * groups.x + group.x" alone, written once",
      ]
    `);
  });

  it('lets shaders include a file of functions, which has no entry point and no bindings', () => {
    const include = ['// noise.include — n = f(c)', '// Method:   hashing', ...KERNEL.slice(4, 6), 'fn noise() {}', ''];
    const descriptor = { 'libs/add/src/add.ts': DESCRIPTOR };
    const right = { ...descriptor, 'libs/add/src/noise.include.wgsl': include.join('\n') };
    expect(findings(right)).toEqual([]);
    tree.remove();
    const bound = [...include.slice(0, 1), ...include.slice(2, 4), KERNEL[6], ''];
    expect(findings({ ...descriptor, 'libs/add/src/noise.include.wgsl': bound.join('\n') })).toEqual([
      'libs/add/src/noise.include.wgsl:2: the header has the lines Method, Source, Checked, in this order, none of them empty',
      'libs/add/src/noise.include.wgsl:4: an include has functions and constants alone: pass it what it needs',
    ]);
  });

  it('holds a template to the form of a kernel by every shader that it gives', () => {
    const template = ['#expand add_forward', '#expand add_again plain', '// ${name} — y = a + b', ...KERNEL.slice(1)];
    const path = 'libs/add/src/add.template.wgsl';
    const files = (lines) => ({ 'libs/add/src/add.ts': DESCRIPTOR, [path]: lines.join('\n') });
    expect(findings(files(template))).toEqual([]);
    tree.remove();
    const wrong = template.with(2, '#if plain').toSpliced(3, 0, '// add_again — y = a + b', '#end');
    expect(findings(files(wrong))).toEqual([
      `${path}: add_forward:1: the first line says what is computed: "// add_forward — y = …"`,
    ]);
    tree.remove();
    expect(findings(files([...template, '#if plain']))).toEqual([
      `${path}: line ${template.length + 1}: this block has no #end`,
    ]);
  });

  it('finds paths in documents that lead nowhere', () => {
    const files = { 'docs/a.md': 'See `libs/moved/src/x.ts`,\n[that](../gone.md) and [this](#here).\n' };
    expect(findings(files)).toMatchInlineSnapshot(`
      [
        "docs/a.md:1: libs/moved/src/x.ts does not exist: correct the path",
        "docs/a.md:2: gone.md does not exist: correct the path",
      ]
    `);
  });
});
