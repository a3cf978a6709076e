import { readFileSync, symlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import { cruise } from 'dependency-cruiser';
import { afterEach, describe, expect, it } from 'vitest';
import { ROOT } from '../process/stamp.mjs';
import { writeTree } from '../process/write-tree.mjs';
import { boundaryRules } from './boundary-rules.cjs';

const architecture = JSON.parse(readFileSync(join(ROOT, 'architecture.json'), 'utf8'));
const paths = { '@millrace/*': ['libs/*/src'] };
const compilerOptions = { baseUrl: '.', paths, module: 'node16', moduleResolution: 'node16', target: 'ES2023' };
/** What imports need to resolve: an index per library, and the packages. */
const ground = {
  'tsconfig.json': JSON.stringify({ compilerOptions }),
  'package.json': readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ...Object.fromEntries(
    Object.keys(architecture.rooms)
      .filter((room) => room.startsWith('libs/'))
      .map((room) => [`${room}/src/index.ts`, 'export const here = 1;\n']),
  ),
};

let tree;
afterEach(() => tree?.remove());

/** The names of the rules that a tree with these files breaks. */
async function broken(files) {
  tree = writeTree({ ...ground, ...files });
  symlinkSync(join(ROOT, 'node_modules'), join(tree.root, 'node_modules'));
  const options = {
    baseDir: tree.root,
    ruleSet: { forbidden: boundaryRules(architecture) },
    validate: true,
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: join(tree.root, 'tsconfig.json') },
    // The packages are behind a symbolic link here, and would otherwise be known by where it leads.
    preserveSymlinks: true,
  };
  const resolution = {
    extensions: ['.ts', '.js', '.json'],
    exportsFields: ['exports'],
    conditionNames: ['node', 'import', 'require'],
    symlinks: false,
  };
  const tsConfig = { options: { ...compilerOptions, baseUrl: tree.root } };
  const folders = ['libs', 'apps'].filter(
    (folder) => folder === 'libs' || Object.keys(files).some((path) => path.startsWith(folder)),
  );
  const result = await cruise(folders, options, resolution, { tsConfig });
  return [...new Set(result.output.summary.violations.map((violation) => violation.rule.name))].sort();
}

describe('boundary rules', () => {
  it('let the allowed arrows pass', async () => {
    expect(
      await broken({
        'libs/tensor/src/shape.ts': "import { here } from '@millrace/core';\nexport const there = here;\n",
        'libs/runtime/src/device.ts': "import 'webgpu';\nimport '@millrace/kernels';\n",
        'libs/core/src/clock.spec.ts': "import '@millrace/testing';\nimport 'vitest';\n",
        'apps/agent/src/grpc/session.ts': "import '@grpc/grpc-js';\nimport '@millrace/runtime';\n",
        'apps/api/src/ledger/runs/runs.repository.ts': "import '@prisma/client';\n",
        'apps/api/src/planning/threads/z.ts': 'export interface Z {}\n',
        'apps/api/src/planning/plans/z.ts': "import type { Z } from '../threads/z';\nexport type Same = Z;\n",
      }),
    ).toEqual([]);
  });

  it.each([
    ['core imports another library', 'libs/core/src/x.ts', '@millrace/tensor', ['libs-core-imports', 'no-cycle']],
    ['the API imports kernels', 'apps/api/src/x.ts', '@millrace/kernels', ['apps-api-imports']],
    ['the API imports the runtime, as a type', 'apps/api/src/x.ts', 'type:@millrace/runtime', ['apps-api-imports']],
    ['the agent imports the scheduler', 'apps/agent/src/x.ts', '@millrace/scheduler', ['apps-agent-imports']],
    ['the agent opens the GPU itself', 'apps/agent/src/x.ts', 'webgpu', ['owner-of-webgpu']],
    ['the agent imports Prisma', 'apps/agent/src/x.ts', '@prisma/client', ['owner-of-prisma']],
    ['a service goes round the repositories', 'apps/api/src/x.service.ts', '@prisma/client', ['owner-of-prisma']],
    ['gRPC outside its adapters', 'apps/api/src/x.ts', '@grpc/grpc-js', ['owner-of-grpc-grpc-js']],
    ['a pure library reads files', 'libs/scheduler/src/x.ts', 'node:fs', ['libs-scheduler-pure']],
    ['a pure library takes a package', 'libs/pipeline/src/x.ts', 'yaml', ['libs-pipeline-packages']],
    [
      'product code imports the test library',
      'libs/data/src/x.ts',
      '@millrace/testing',
      ['libs-data-imports', 'testing-is-for-tests'],
    ],
    ['product code needs a dev package', 'apps/cli/src/x.ts', 'fast-check', ['no-dev-package-in-product']],
    ['a lower floor of the API reaches up', 'apps/api/src/ledger/x.ts', '../intake/y', ['apps-api-src-ledger-floor']],
    [
      'the event loop does the work of a thread',
      'apps/api/src/planning/plans/x.ts',
      '../threads/y',
      ['threads-do-their-own-work'],
    ],
    ['an import leads nowhere', 'libs/core/src/x.ts', './nowhere', ['resolvable']],
  ])('refuse when %s', async (_, path, target, rules) => {
    const line = target.startsWith('type:')
      ? `import type { here } from '${target.slice(5)}';\nexport type H = typeof here;`
      : `import '${target}';`;
    const files = { [path]: `${line}\n` };
    if (target.startsWith('../')) files[posix.join(path, '..', `${target}.ts`)] = 'export const y = 1;\n';
    if (rules.includes('no-cycle'))
      files['libs/tensor/src/index.ts'] = "import '../../core/src/x';\nexport const here = 1;\n";
    expect(await broken(files)).toEqual(expect.arrayContaining(rules));
  });

  it('refuse files that know each other by types alone', async () => {
    const files = {
      'libs/core/src/a.ts': "import type { B } from './b';\nexport type A = B[];\n",
      'libs/core/src/b.ts': "import type { A } from './a';\nexport type B = A | 1;\n",
    };
    expect(await broken(files)).toContain('no-cycle');
  });

  it('refuse folders of a house with floors that import each other', async () => {
    const files = {
      'apps/api/src/ledger/runs/a.ts': "import '../blocks/b';\n",
      'apps/api/src/ledger/runs/c.ts': 'export const c = 1;\n',
      'apps/api/src/ledger/blocks/b.ts': 'export const b = 1;\n',
      'apps/api/src/ledger/blocks/d.ts': "import '../runs/c';\n",
    };
    expect(await broken(files)).toEqual(['apps-api-src-knot']);
  });

  it('refuse a way into a library past its index', async () => {
    const files = {
      'libs/core/src/inner.ts': 'export const inner = 1;\n',
      'libs/tensor/src/x.ts': "export { inner } from '../../core/src/inner';\n",
    };
    expect(await broken(files)).toEqual(['only-through-the-index']);
    expect(
      await broken({
        'libs/core/src/plain.ts': 'export const a = 1;\n',
        'libs/tensor/src/x.ts': "export { a } from '../../core/src/plain';\n",
      }),
    ).toEqual([]);
  });
});
