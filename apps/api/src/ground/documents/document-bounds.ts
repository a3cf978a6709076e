/** Deeper than any document that the API takes; a parser that recurses stays far from the end of its stack. */
export const DEPTH_MAX = 64;
/** Lines, and entries of lists and objects: a spec with all its lists full has fewer. */
export const NODES_MAX = 50_000;
