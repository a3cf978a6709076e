/** Of an answer that is for whoever asked, and for that moment. */
export const PRIVATE = 'private, no-store';
