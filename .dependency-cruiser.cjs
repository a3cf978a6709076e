'use strict';
const { boundaryRules } = require('./scripts/architecture/boundary-rules.cjs');

module.exports = {
  forbidden: boundaryRules(require('./architecture.json')),
  options: {
    doNotFollow: { path: 'node_modules' },
    // What a type is imported from counts too: a boundary holds for the reader, not only at run time.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default', 'types'],
    },
    reporterOptions: { text: { highlightFocused: true } },
  },
};
