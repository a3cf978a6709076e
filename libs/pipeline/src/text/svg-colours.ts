/**
 * The light and the dark end of each kind's shades. They can be told apart without colour vision, and dark text is
 * readable on each.
 */
const SHADES: Readonly<Record<string, readonly [readonly number[], readonly number[]]>> = {
  F: [
    [190, 221, 243],
    [109, 165, 209],
  ],
  I: [
    [252, 214, 168],
    [233, 150, 84],
  ],
  W: [
    [205, 232, 196],
    [126, 184, 121],
  ],
};

export const SVG_STYLE =
  'text{font:11px monospace;fill:#222}.title{font-size:13px;font-weight:bold}.number{text-anchor:middle}' +
  '.paper{fill:#fff}.idle{fill:#f3f3f3}.cell{stroke:#fff;stroke-width:.6}.tick{stroke:#888}' +
  '.pair{fill:none;stroke:#333;stroke-width:1.4}';

/** Chunk 0 is the lightest. */
export function fillOf(kind: string, chunk: number, chunks: number): string {
  const [light, dark] = SHADES[kind] ?? [
    [200, 200, 200],
    [200, 200, 200],
  ];
  const part = chunks <= 1 ? 0 : chunk / (chunks - 1);
  const mixed = light.map((value, index) => Math.round(value + ((dark[index] ?? value) - value) * part));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
