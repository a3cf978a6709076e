/** What a rank does before its first step, in this order, each with the words of a sentence about the rank. */
const WORDS = {
  sent: 'has not accepted the start yet',
  accepted: 'has accepted the start',
  fetching: 'fetches its tokens',
  vacating: 'waits for its device, which an earlier attempt still holds',
  opening: 'opens its device',
  compiling: 'allocates its tensors and compiles its programs',
  warming: 'runs its programs for the first time',
  loading: 'loads its weights',
  ready: 'is ready, and begins its first step',
} as const;

export type StartPhase = keyof typeof WORDS;
export const START_PHASES = Object.keys(WORDS) as readonly StartPhase[];

/** The words of a phase, as in "rank 1 loads its weights". */
export function startPhaseText(phase: StartPhase): string {
  return WORDS[phase];
}
