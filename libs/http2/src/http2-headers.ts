/** Of a message, pseudo-headers first; names in lower case. */
export type HeaderFields = ReadonlyMap<string, string>;
