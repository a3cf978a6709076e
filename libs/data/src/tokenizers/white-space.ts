/**
 * The characters with Unicode's property White_Space, as the inside of a character class. The regular expressions that
 * tokenizers are written in (Rust's and Python's) mean these by \s; JavaScript's \s has U+FEFF too, and lacks U+0085.
 * All of them are single UTF-16 units, so the class does without the flag `u`.
 */
export const WHITE_SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
