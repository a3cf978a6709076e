/** -1 as u32: a row with this target has no loss, no gradient and does not count as a token. */
export const IGNORED_TARGET = 0xffff_ffff;
