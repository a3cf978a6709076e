/** Deeper than any document that the API needs, and far from where a recursive parser would exhaust its stack. */
export const DEPTH_MAX = 64;
/** Bounds lines, and entries of lists and objects: a spec whose lists are all full has fewer. */
export const NODES_MAX = 50_000;
