/**
 * An agent starts a GPU thread for each run, and glibc would keep an arena for each that was ever there, with all that
 * it freed: 190 MB of resident memory became 750 MB in 185 runs. Only the environment at the start of a process bounds
 * that. What the user set wins.
 */
export function agentAllocator(environment: NodeJS.ProcessEnv): Record<string, string> {
  return { MALLOC_ARENA_MAX: environment['MALLOC_ARENA_MAX'] || '2' };
}
