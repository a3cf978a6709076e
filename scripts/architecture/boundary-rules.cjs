'use strict';

const SPEC = '\\.spec\\.tsx?$|/test/';

/** dependency-cruiser's rules, from the table in architecture.json. */
function boundaryRules(architecture) {
  return [
    ...Object.entries(architecture.rooms).flatMap(([room, entry]) => roomRules(architecture, room, entry)),
    ...Object.entries(architecture.floors).flatMap(([house, floors]) => floorRules(house, floors)),
    ...architecture.owners.map(ownerRule),
    threadRule(architecture.threads),
    {
      name: 'only-through-the-index',
      comment:
        'A library is entered by @millrace/NAME, its index.ts, or @millrace/NAME/plain: export what you need there.',
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^$1/$2/', '^libs/[^/]+/src/(index|plain)\\.ts$'] },
    },
    {
      name: 'testing-is-for-tests',
      comment: '@millrace/testing is for *.spec.ts, bench and tests.',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: [SPEC, '^libs/testing/'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'no-cycle',
      comment:
        'Files that import each other, types alone included, cannot be read one by one: move what both need to a third.',
      severity: 'error',
      from: { pathNot: '/generated/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'The import names nothing that exists.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-package-in-product',
      comment: 'The package is in devDependencies: product code needs it in dependencies.',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: [SPEC, '^libs/testing/', '/vite[.]config[.]mts$'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ];
}

function roomRules(architecture, room, { imports, packages, pure }) {
  if (imports === 'any') return [];
  const name = room.replace('/', '-');
  const allowed = imports.length === 0 ? 'nothing' : imports.join(', ');
  const rule = (suffix, from, pathNot) => ({
    name: `${name}-${suffix}`,
    comment: `${room} may import ${allowed}${suffix === 'specs' ? ', its specs also the test library' : ''} (architecture.json).`,
    severity: 'error',
    from,
    to: { path: '^(libs|apps)/', pathNot: pathNot.map((path) => `^${path}/`) },
  });
  const rules = [
    rule('imports', { path: `^${room}/`, pathNot: SPEC }, [room, ...imports]),
    rule('specs', { path: `^${room}/.*(${SPEC})` }, [room, ...imports, ...architecture.specs.imports]),
  ];
  if (packages) {
    rules.push({
      name: `${name}-packages`,
      comment: `${room} imports no package: only Node itself${pure ? ', and nothing of it that does I/O' : ''} (architecture.json).`,
      severity: 'error',
      from: { path: `^${room}/`, pathNot: SPEC },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: packages.map(packagePattern) },
    });
  }
  if (pure) {
    rules.push({
      name: `${name}-pure`,
      comment: `${room} is pure: ${architecture.pure.instead} (architecture.json).`,
      severity: 'error',
      from: { path: `^${room}/`, pathNot: SPEC },
      to: { path: `^(node:)?(${architecture.pure.forbiddenModules.join('|')})$` },
    });
  }
  return rules;
}

/** `floors` from the top: a file imports from its own floor and from those below; folders do not import each other. */
function floorRules(house, floors) {
  const name = house.replaceAll('/', '-');
  const upward = floors.slice(1).map((floor, index) => ({
    name: `${name}-${floor}-floor`,
    comment: `${house}/${floor} stands below ${floors.slice(0, index + 1).join(', ')} and may not import from there (architecture.json).`,
    severity: 'error',
    from: { path: `^${house}/${floor}/`, pathNot: SPEC },
    to: { path: `^${house}/(${floors.slice(0, index + 1).join('|')})/` },
  }));
  const knot = {
    name: `${name}-knot`,
    comment: `Folders of ${house} that import each other cannot be read one by one: move what both need to a third.`,
    severity: 'error',
    scope: 'folder',
    from: { path: `^${house}/` },
    to: { circular: true },
  };
  return [...upward, knot];
}

function ownerRule(owner) {
  const suffixes = (owner.fileSuffixes ?? []).map((suffix) => `${escape(suffix)}$`);
  return {
    name: `owner-of-${(owner.package ?? owner.path).replace(/[^a-z]+/g, '-').replace(/^-|-$/g, '')}`,
    comment: `Only ${[...owner.files, ...(owner.fileSuffixes ?? [])].join(', ')} may import this: ${owner.instead} (architecture.json).`,
    severity: 'error',
    from: { path: '^(libs|apps)/', pathNot: [...owner.files.map((file) => `^${escape(file)}`), ...suffixes, SPEC] },
    to: { path: owner.package ? packagePattern(owner.package) : `^${escape(owner.path)}` },
  };
}

/** Whoever imports a thread's code would do its work on the event loop; its types say what can be asked of it. */
function threadRule({ of, folders, instead }) {
  return {
    name: 'threads-do-their-own-work',
    comment: `Outside of its folder only types may be imported from a thread's code: ${instead} (architecture.json).`,
    severity: 'error',
    from: { path: `^${escape(of)}`, pathNot: [...folders.map((folder) => `^${escape(folder)}`), SPEC] },
    to: { path: folders.map((folder) => `^${escape(folder)}`), dependencyTypesNot: ['type-only'] },
  };
}

function packagePattern(name) {
  return `(^|/)node_modules/${escape(name)}${name.endsWith('/') ? '' : '(/|$)'}`;
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

module.exports = { boundaryRules };
