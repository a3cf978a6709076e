/** The fields of a message, pseudo-headers first; names are in lower case. */
export type HeaderFields = ReadonlyMap<string, string>;
