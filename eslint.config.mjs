import { readFileSync } from 'node:fs';
import tseslint from 'typescript-eslint';
import { architectureRestrictions } from './scripts/architecture/restrictions.mjs';
import { millracePlugin, restrictSyntax } from './scripts/lint/plugin.mjs';

const architecture = readJson('architecture.json');
/** Which constructors may take more than six dependencies, and why. */
const { dependencies } = readJson('scripts/tidy/ratchet.json');

function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

/** A decorated class's constructor needs its parameter types as values: the rule sees emitDecoratorMetadata itself. */
const typeImports = [
  'error',
  { prefer: 'type-imports', fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
];

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'coverage/', '**/generated/', '**/*.generated.ts', '.millrace/'] },
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { '@typescript-eslint': tseslint.plugin, millrace: millracePlugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        emitDecoratorMetadata: true,
        experimentalDecorators: true,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': typeImports,
      '@typescript-eslint/no-non-null-assertion': 'off',
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-fallthrough': 'error',
      'no-restricted-syntax': restrictSyntax('defaultExport', 'enum'),
    },
  },
  {
    files: ['apps/**/*.{ts,tsx}', 'libs/**/*.ts', 'bench/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/test/**'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70 }],
      'millrace/max-params': ['error', { dependencies }],
      'no-console': 'error',
    },
  },
  {
    files: ['apps/**/*.{ts,tsx}', 'libs/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/test/**', 'libs/testing/**', 'libs/nvidia-smi-parser/**'],
    rules: { 'no-restricted-syntax': restrictSyntax('defaultExport', 'enum', 'bareError') },
  },
  { files: ['**/*.spec.ts', 'tests/**/*.ts'], rules: { 'max-lines': ['error', { max: 600 }] } },
  // The command line and the benchmarks talk to people.
  { files: ['apps/cli/**/*.ts', 'bench/**/*.ts'], rules: { 'no-console': 'off' } },
  ...architectureRestrictions(architecture),
  // Tools are configured by a default export.
  { files: ['*.config.ts', '*.config.mjs'], rules: { 'no-restricted-syntax': restrictSyntax('enum') } },
  {
    files: ['**/*.mjs', '**/*.cjs', 'bin/*.js'],
    plugins: { millrace: millracePlugin },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-unused-vars': 'error',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70 }],
      'millrace/max-params': 'error',
    },
  },
  {
    files: ['scripts/**/*.spec.mjs'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': ['error', { max: 600 }] },
  },
);
