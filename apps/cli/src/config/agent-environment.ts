/**
 * An agent starts a GPU thread for each run, and glibc would keep an arena for each thread that ever existed, with all
 * the memory that it freed: 190 MB of resident memory became 750 MB in 185 runs. Only the environment at the start of a
 * process can limit that. What the user has set takes precedence.
 */
export function agentAllocator(environment: NodeJS.ProcessEnv): Record<string, string> {
  return { MALLOC_ARENA_MAX: environment['MALLOC_ARENA_MAX'] || '2' };
}
