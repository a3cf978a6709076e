import { expect, it } from 'vitest';
import { RETRY_WAITS_MS, fetchPatiently } from './fetch-patiently';

function failing(times: number): {
  fetchOnce: () => Promise<string>;
  waits: number[];
  pause: (ms: number) => Promise<void>;
} {
  const waits: number[] = [];
  let asked = 0;
  return {
    fetchOnce: () => (asked++ < times ? Promise.reject(new Error(`failure ${asked}`)) : Promise.resolve('page')),
    waits,
    pause: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  };
}

it('asks again, each time after a longer wait', async () => {
  const { fetchOnce, waits, pause } = failing(3);
  expect(await fetchPatiently(fetchOnce, pause)).toBe('page');
  expect(waits).toEqual(RETRY_WAITS_MS.slice(0, 3));
});

it('ends with the last failure when nothing comes', async () => {
  const { fetchOnce, waits, pause } = failing(100);
  await expect(fetchPatiently(fetchOnce, pause)).rejects.toThrow(`failure ${RETRY_WAITS_MS.length + 1}`);
  expect(waits).toEqual(RETRY_WAITS_MS);
});
