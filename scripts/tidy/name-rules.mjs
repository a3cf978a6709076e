import { basename, dirname } from 'node:path';

const BANNED = ['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'manager', 'shared'];
const KEBAB = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const SNAKE = /^[a-z0-9]+(_[a-z0-9]+)*(\.[a-z0-9]+)*$/;
/** Languages whose own convention is snake_case. */
const SNAKE_SUFFIX = /\.(wgsl|proto|prisma|sql|toml|csv|bin|safetensors)$/;
/** Names that Docker, Helm and systemd look for. */
const GIVEN = /^deploy\/(.*\.Dockerfile(\.dockerignore)?|.*\/Chart\.yaml|.*\/_[a-z]+\.tpl|.*@\.service)$/;
const FILES_MAX = 12;
const SCRIPTS_MAX = 14;

/** File and folder names, folder sizes. */
export function nameRules(tree) {
  return [...fileNames(tree), ...folderNames(tree), ...folderSizes(tree), ...scriptCount(tree)];
}

function fileNames({ paths }) {
  return paths.flatMap((path) => {
    const name = basename(path);
    const findings = [];
    const banned = bannedWord(name);
    if (banned) findings.push({ path, message: `"${banned}" says nothing: name the file after the one thing it does` });
    const isDocument = /^[A-Z]+(\.md)?$/.test(name);
    const isKebab = KEBAB.test(name) || (SNAKE_SUFFIX.test(name) && SNAKE.test(name));
    if (!isDocument && !isKebab && !GIVEN.test(path))
      findings.push({ path, message: 'file names are kebab-case (.wgsl, .proto and .sql snake_case): rename it' });
    return findings;
  });
}

function folderNames({ paths }) {
  return [...foldersOf(paths)].flatMap((path) => {
    const name = basename(path);
    if (bannedWord(name)) return [{ path, message: `"${name}" says nothing: name the folder after what its files do` }];
    // Prisma names a migration's folder by time and words, joined by underscores.
    const fits = KEBAB.test(name) || path.startsWith('prisma/migrations/');
    return fits ? [] : [{ path, message: 'folder names are kebab-case: rename it' }];
  });
}

/** The last word of any dotted part: `run-manager.ts` and `run.manager.ts`, but not `shared-memory.ts`. */
function bannedWord(name) {
  return name
    .split('.')
    .map((part) => part.split('-').at(-1))
    .find((word) => BANNED.includes(word));
}

/**
 * Specs, which stand beside their file, and documents do not count. scripts/tidy/ratchet.json holds the exceptions,
 * with reasons.
 */
function folderSizes(tree) {
  const ratchetPath = 'scripts/tidy/ratchet.json';
  const ratchet = JSON.parse(tree.exists(ratchetPath) ? tree.read(ratchetPath) : '{"folders":{}}').folders;
  const counts = new Map();
  for (const path of tree.paths.filter((path) => !/\.(spec\.\w+|md)$|\/generated\//.test(path))) {
    counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  }
  const tooLarge = [...counts].flatMap(([path, count]) => {
    const max = ratchet[path]?.files ?? FILES_MAX;
    return count <= max
      ? []
      : [
          {
            path,
            message: `${count} files, at most ${max} can be taken in at a glance: split the folder by what the files do`,
          },
        ];
  });
  const slack = Object.entries(ratchet).flatMap(([path, { files, reason }]) => {
    if (!reason) return [{ path: ratchetPath, message: `the exception for ${path} gives no reason: add one` }];
    const count = counts.get(path) ?? 0;
    if (count >= files) return [];
    const next = count <= FILES_MAX ? 'remove the exception' : `lower it to ${count}`;
    return [{ path: ratchetPath, message: `${path} has ${count} files now, ${files} are allowed: ${next}` }];
  });
  return [...tooLarge, ...slack];
}

function scriptCount(tree) {
  if (!tree.exists('package.json')) return [];
  const count = Object.keys(JSON.parse(tree.read('package.json')).scripts ?? {}).length;
  return count <= SCRIPTS_MAX
    ? []
    : [
        {
          path: 'package.json',
          message: `${count} npm scripts, at most ${SCRIPTS_MAX}: give an existing one an option`,
        },
      ];
}

function foldersOf(paths) {
  const folders = new Set();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  return folders;
}
