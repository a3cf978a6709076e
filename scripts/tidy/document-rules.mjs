import { dirname, join, normalize } from 'node:path';

const FOLDERS = [
  'apps',
  'libs',
  'scripts',
  'docs',
  'prisma',
  'proto',
  'tests',
  'bench',
  'examples',
  'deploy',
  'bin',
  '.ci',
];
const PATH_IN_CODE = new RegExp(
  '`((?:' + FOLDERS.map((name) => name.replace('.', '\\.')).join('|') + ')/[^`\\s]*)`',
  'g',
);
/** Placeholders and patterns, which name no one path: `libs/NAME/src`, `apps/*`, `libs/kernels/src/<op>/`. */
const PLACEHOLDER = /[*{}<>$…]|\b[A-Z]{3,}\b(?!\.md)/;

/** A document that names a file or folder which has moved misleads: every path in a .md exists. */
export function documentRules(tree) {
  return tree.paths
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) => {
      const lines = tree.read(path).split('\n');
      return lines.flatMap((line, index) =>
        missingPaths(tree, path, line).map((target) => ({
          path,
          line: index + 1,
          message: `${target} does not exist: correct the path`,
        })),
      );
    });
}

function missingPaths(tree, path, line) {
  const links = [...line.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1])
    .filter((target) => !/^(https?:|mailto:|#)/.test(target));
  const relative = links.map((target) => normalize(join(dirname(path), target.split('#')[0])));
  const quoted = [...line.matchAll(PATH_IN_CODE)]
    .map((match) => match[1])
    .filter((target) => !PLACEHOLDER.test(target));
  return [...relative, ...quoted.map((target) => target.replace(/:\d+$/, ''))].filter(
    (target) => !tree.exists(target) && !builtPath(target),
  );
}

/** Paths of what set-up makes need not exist yet. */
function builtPath(path) {
  return /^(dist|node_modules|coverage)\/|\/generated\//.test(path);
}
