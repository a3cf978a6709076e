/** ESLint's part of architecture.json: globals and calls, which an import check cannot see. */

const TESTS = ['**/*.spec.ts', '**/test/**', 'libs/testing/**'];

/** Flat-config entries that hold the pure rooms and the owners of the environment to the table. */
export function architectureRestrictions(architecture) {
  const { pure, environment, threads } = architecture;
  const pureRooms = Object.entries(architecture.rooms)
    .filter(([, entry]) => entry.pure)
    .map(([room]) => `${room}/**/*.ts`);
  const forbiddenCalls = pure.forbiddenCalls.map((call) => {
    const [object, property] = call.split('.');
    return { object, property, message: `This library is pure: ${pure.instead}.` };
  });
  const readsEnvironment = {
    object: 'process',
    property: 'env',
    message: `Only ${environment.files.join(', ')} read the environment: ${environment.instead}.`,
  };
  return [
    {
      files: ['apps/**/*.{ts,tsx}', 'libs/**/*.ts'],
      ignores: [...environment.files.map((folder) => `${folder}**`), ...TESTS],
      rules: { 'no-restricted-properties': ['error', readsEnvironment] },
    },
    {
      files: [`${threads.of}**/*.ts`],
      ignores: [...threads.folders.map((folder) => `${folder}**`), ...TESTS],
      rules: {
        '@typescript-eslint/no-restricted-imports': ['error', { paths: threads.work.map(threadWork(threads)) }],
      },
    },
    {
      files: pureRooms,
      ignores: TESTS,
      rules: {
        'no-restricted-properties': ['error', readsEnvironment, ...forbiddenCalls],
        'no-restricted-globals': [
          'error',
          ...pure.forbiddenGlobals.map((name) => ({ name, message: `This library is pure: ${pure.instead}.` })),
        ],
        'millrace/no-current-date': 'error',
      },
    },
  ];
}

/** What keeps a thread for long; its types may be named anywhere. */
function threadWork({ folders, instead }) {
  return ({ package: name, names }) => ({
    name,
    ...(names && { importNames: names }),
    allowTypeImports: true,
    message: `Only the code of threads (${folders.join(', ')}) does this: ${instead}.`,
  });
}
