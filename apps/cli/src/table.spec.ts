import { expect, it } from 'vitest';
import { bytesText } from '@millrace/core';
import { age, durationText, table } from './table';

it('aligns columns, numbers to the right', () => {
  expect(
    table(
      ['name', 'step'],
      [
        ['moby', 5],
        ['dick-long', 123],
      ],
    ),
  ).toBe('NAME       STEP\nmoby          5\ndick-long   123');
});

it('says ages, sizes and durations as people do', () => {
  expect(age('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:03:20Z'))).toBe('3 min ago');
  expect([bytesText(512), bytesText(1536), bytesText(3 * 1024 ** 3)]).toEqual(['512 B', '1.50 KiB', '3.00 GiB']);
  expect([durationText(65), durationText(3723), durationText(Number.NaN)]).toEqual(['1:05', '1:02:03', '--:--']);
});
