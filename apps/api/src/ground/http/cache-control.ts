/** For an answer that is only for the caller, and only for this moment. */
export const PRIVATE = 'private, no-store';
