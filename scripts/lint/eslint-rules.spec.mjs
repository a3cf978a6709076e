import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../process/stamp.mjs';
import { millracePlugin } from './plugin.mjs';

const eslint = new ESLint({
  cwd: ROOT,
  // Rules that need types need files on disk; these do not.
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } }, rules: typedRulesOff() },
});

function typedRulesOff() {
  const typed = [
    'no-floating-promises',
    'no-misused-promises',
    'await-thenable',
    'switch-exhaustiveness-check',
    'no-unnecessary-type-assertion',
    'only-throw-error',
  ];
  return Object.fromEntries(typed.map((name) => [`@typescript-eslint/${name}`, 'off']));
}

/** Rules that `text` breaks as the content of the file `path`. */
async function broken(path, text) {
  const [result] = await eslint.lintText(text, { filePath: `${ROOT}/${path}` });
  return [...new Set(result.messages.map((message) => message.ruleId))];
}

it.each([
  [
    'the wall clock in a pure library',
    'libs/scheduler/src/x.ts',
    'export const x = Date.now();',
    'no-restricted-properties',
  ],
  [
    'a date of now in a pure library',
    'libs/pipeline/src/x.ts',
    'export const x = new Date();',
    'millrace/no-current-date',
  ],
  [
    'randomness in a pure library',
    'libs/model/src/x.ts',
    'export const x = Math.random();',
    'no-restricted-properties',
  ],
  ['a timer in a pure library', 'libs/model/src/x.ts', 'setTimeout(console.log, 1);', 'no-restricted-globals'],
  [
    'the environment outside the configuration',
    'apps/api/src/ledger/runs/x.ts',
    'export const x = process.env.HOME;',
    'no-restricted-properties',
  ],
  [
    'the environment in a library',
    'libs/data/src/x.ts',
    'export const x = process.env.HOME;',
    'no-restricted-properties',
  ],
  ['a bare Error', 'libs/core/src/x.ts', "throw new Error('x');", 'no-restricted-syntax'],
  ['a default export', 'libs/core/src/x.ts', 'const x = 1;\nexport default x;', 'no-restricted-syntax'],
  ['an enum', 'libs/core/src/x.ts', 'export enum X { A }', 'no-restricted-syntax'],
  ['any', 'libs/core/src/x.ts', 'export const x: any = 1;', '@typescript-eslint/no-explicit-any'],
  [
    'four parameters',
    'libs/core/src/x.ts',
    'export const x = (a: 1, b: 1, c: 1, d: 1): void => undefined;',
    'millrace/max-params',
  ],
  [
    'a long function',
    'libs/core/src/x.ts',
    `export function x(): void {\n${'  f();\n'.repeat(70)}}`,
    'max-lines-per-function',
  ],
  [
    'a type imported as a value',
    'libs/core/src/x.ts',
    "import { T } from './t';\nexport const x: T = 1;",
    '@typescript-eslint/consistent-type-imports',
  ],
])('lint refuses %s', async (_, path, text, rule) => {
  expect(await broken(path, `${text}\n`)).toContain(rule);
});

it.each([
  ['the environment in the configuration', 'apps/api/src/ground/config/x.ts', 'export const x = process.env.HOME;'],
  ['the wall clock in an app', 'apps/api/src/x.ts', 'export const x = Date.now();'],
  [
    'decorated parameters of a controller',
    'apps/api/src/x.ts',
    'export class X { get(@P() a: 1, @P() b: 1, @P() c: 1, @P() d: 1): void {} }',
  ],
  [
    'six injected dependencies',
    'apps/api/src/x.ts',
    'export class X { constructor(a: 1, b: 1, c: 1, d: 1, e: 1, f: 1) {} }',
  ],
  [
    'a class imported as a value for injection',
    'apps/api/src/x.ts',
    "import { T } from './t';\n@Injectable()\nexport class X { constructor(private readonly t: T) {} }",
  ],
])('lint accepts %s', async (_, path, text) => {
  expect(await broken(path, `${text}\n`)).toEqual([]);
});

describe('more than six dependencies', () => {
  const path = 'apps/api/src/large.ts';
  const constructorOf = (count) =>
    `export class X { constructor(${Array.from({ length: count }, (_, index) => `a${index}: 1`).join(', ')}, @Inject(CLOCK) clock: 1) {} }\n`;

  /** What lint says of a class with `count` dependencies where the ratchet allows `allowed`. */
  function said(count, allowed) {
    const dependencies = allowed === undefined ? {} : { [path]: { count: allowed, reason: 'a table of nine' } };
    const linter = new Linter({ cwd: ROOT });
    const config = {
      files: ['**/*.ts'],
      languageOptions: { parser: tseslint.parser },
      plugins: { millrace: millracePlugin },
      rules: { 'millrace/max-params': ['error', { dependencies }] },
    };
    return linter.verify(constructorOf(count), config, `${ROOT}/${path}`).map(({ message }) => message);
  }

  it('want a reason, and a clock is none of them', () => {
    expect(said(6)).toEqual([]);
    expect(said(7)).toEqual([expect.stringMatching(/^This constructor takes 7 .* state the reason in scripts/)]);
    expect(said(9, 9)).toEqual([]);
    expect(said(10, 9)).toEqual([expect.stringContaining('takes 10 dependencies, and more than 9 want a reason')]);
  });

  it('are allowed as many as there are', () => {
    expect(said(8, 9)).toEqual([expect.stringContaining('lower it to 8')]);
    expect(said(6, 9)).toEqual([expect.stringContaining('remove the exception')]);
  });
});
