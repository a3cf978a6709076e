const REQUIRED = [20, 19];

/** 20.19 is the least that vitest, knip and Prisma accept. */
export function checkNodeVersion(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > REQUIRED[0] || (major === REQUIRED[0] && minor >= REQUIRED[1])) return;
  throw new Error(
    `Node ${REQUIRED.join('.')} or newer is needed, this is ${version}: install Node 20 and run the command again`,
  );
}
