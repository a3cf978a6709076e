import { expect, it } from 'vitest';
import { answerOf, storable } from './kept-answer';

it.each(['a\0b', 'half \ud83d a pair', 'a whole \u{1f600}', ''])(
  'an answer with the text %j is given again as it was',
  (text) => {
    const body = { text, tokens: 3 };
    const kept = storable(JSON.stringify(body));
    expect(answerOf(kept)).toEqual(body);
    // Postgres refuses these in a JSON document.
    expect(JSON.stringify(kept)).not.toMatch(/\\u0000|\\ud83d/i);
  },
);
