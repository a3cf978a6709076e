/** Draws that depend on the seed alone, so that what was found can be found again. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `least` to `most`, both included. */
  int(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(share) {
    return this.next() < share;
  }

  pick(values) {
    return values[this.int(0, values.length - 1)];
  }

  many(least, most, make) {
    return Array.from({ length: this.int(least, most) }, (_, index) => make(index));
  }

  bytes(count) {
    return Buffer.from(Array.from({ length: count }, () => this.int(0, 255)));
  }

  /** Words with what parsers, databases and terminals stumble over. */
  text(most = 12) {
    return this.many(0, most, () => this.pick(STUMBLING_BLOCKS)).join('');
  }

  /** Something of any type, up to `depth` levels deep. */
  anything(depth = 3) {
    const kind = this.int(0, depth > 0 ? 6 : 4);
    if (kind === 0) return this.text();
    if (kind === 1) return this.pick(NUMBERS);
    if (kind === 2) return this.chance(0.5);
    if (kind === 3) return null;
    if (kind === 4) return this.int(-5, 5);
    if (kind === 5) return this.many(0, 4, () => this.anything(depth - 1));
    return Object.fromEntries(this.many(0, 4, () => [this.text(3), this.anything(depth - 1)]));
  }
}

const STUMBLING_BLOCKS = [
  ...[
    'a',
    'Z',
    '0',
    '9',
    '-',
    '_',
    '.',
    '/',
    '\\',
    ':',
    '?',
    '#',
    '%',
    '%00',
    '%2F',
    '&',
    '=',
    ' ',
    '\t',
    '\n',
    '\r\n',
  ],
  ...[
    '"',
    "'",
    '`',
    '<',
    '>',
    '{',
    '}',
    '[',
    ']',
    '*',
    '!',
    '|',
    '~',
    '$',
    ';',
    '--',
    '..',
    '../',
    '__proto__',
    'null',
  ],
  ...['\0', '\u0085', '\u2028', '\ufeff', '\ud800', '\udfff', 'é', '😀', 'ß', '\u202e', 'constructor', 'true', '1e999'],
];

const NUMBERS = [
  ...[0, -0, 1, -1, 0.1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, -(2 ** 63)],
  ...[1e21, 1e308, -1e308, 5e-324, 1.5, 65_536],
];
