import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const TEXT =
  /\.(ts|tsx|mjs|cjs|js|json|wgsl|proto|prisma|sql|md|ya?ml|toml|sh|txt|css|html)$|(^|\/)(run|LICENSE|\.\w+)$/;

/**
 * The files that belong to the project: what .gitignore does not name (git itself may be absent).
 * `read(path)` gives a text, or undefined for anything that is not one.
 */
export function readTree(root) {
  const ignored = readIgnored(root);
  const paths = listPaths(root, '', ignored);
  const cache = new Map();
  const read = (path) => {
    if (!TEXT.test(path)) return undefined;
    if (!cache.has(path)) cache.set(path, readFileSync(join(root, path), 'utf8'));
    return cache.get(path);
  };
  return { root, paths, read, exists: (path) => existsSync(join(root, path)) };
}

/** Understands what our .gitignore uses: `folder/`, `path/to/folder/` and `*.suffix`. */
function readIgnored(root) {
  const file = join(root, '.gitignore');
  const lines = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line && !line.startsWith('#'))
    : [];
  const folders = ['.git', ...lines.filter((line) => line.endsWith('/')).map((line) => line.replace(/^\/|\/$/g, ''))];
  const suffixes = lines.filter((line) => line.startsWith('*')).map((line) => line.slice(1));
  return (path, name) =>
    folders.some((folder) => (folder.includes('/') ? folder === path : folder === name)) ||
    suffixes.some((suffix) => name.endsWith(suffix));
}

function listPaths(root, folder, ignored) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !ignored(join(folder, entry.name), entry.name))
    .flatMap((entry) =>
      entry.isDirectory() ? listPaths(root, join(folder, entry.name), ignored) : [join(folder, entry.name)],
    )
    .sort();
}
