const CLIENT = /^libs\/sdk\/src\/[^/]+-client\.ts$/;
/** What uses the SDK: the command line, the dashboard, and what drives real clusters. */
const CALLERS = /^(apps\/(cli|web)\/src|tests|bench)\/.*\.tsx?$/;
const METHOD = /^ {2}(?:async )?\*?(\w+)\(/gm;
const CALL = /\b(?:client|accounts)\.(?:accounts\.)?(\w+)/gi;

/** A method of the SDK that nobody calls is kept right by nobody. */
export function sdkCallers({ paths, read }) {
  const clients = paths.filter((path) => CLIENT.test(path));
  if (clients.length === 0) return [];
  const called = new Set(
    paths
      .filter((path) => CALLERS.test(path))
      .flatMap((path) => [...read(path).matchAll(CALL)].map((match) => match[1])),
  );
  return clients.flatMap((path) =>
    [...read(path).matchAll(METHOD)]
      .map((match) => match[1])
      .filter((name) => name !== 'constructor' && !called.has(name))
      .map((name) => ({ path, message: `nothing calls ${name}: remove it, or let who asks the API by hand use it` })),
  );
}
