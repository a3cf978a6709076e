const RATCHET = 'scripts/tidy/ratchet.json';

/**
 * The exceptions to six dependencies, which lint counts (scripts/lint/plugin.mjs): each names a file that is there, and
 * a reason.
 */
export function ratchetRules({ exists, read }) {
  if (!exists(RATCHET)) return [];
  const { dependencies = {} } = JSON.parse(read(RATCHET));
  return Object.entries(dependencies).flatMap(([path, { reason }]) => {
    if (!exists(path)) return [{ path: RATCHET, message: `there is no ${path}: remove its exception` }];
    return reason ? [] : [{ path: RATCHET, message: `the exception for ${path} gives no reason: add one` }];
  });
}
