import { EDGES, type FrameBounds } from '../src/data-plane/frame';

/** Where a test is about something else than the sizes of frames. */
export const ANY_FRAMES = Object.fromEntries(EDGES.map((edge) => [edge, 2 ** 26])) as Record<
  (typeof EDGES)[number],
  number
> satisfies FrameBounds;
