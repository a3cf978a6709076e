import { expect, it } from 'vitest';
import { AppError, type Clock, type ErrorKind } from '@millrace/core';
import { whileApiIsAway } from './while-api-is-away';

/** Time passes only while somebody waits. */
function fakeClock(): Clock {
  let ms = 0;
  return {
    now: () => ms,
    monotonicMs: () => ms,
    after: (delayMs, task) => {
      ms += delayMs;
      queueMicrotask(task);
      return () => undefined;
    },
  };
}

const failing = (kind: ErrorKind): AppError => new AppError({ code: 'TEST.X', kind, message: 'x' });

it('tries again while the API is away, says so once, and goes on', async () => {
  let tries = 0;
  const said: string[] = [];
  const options = { clock: fakeClock(), onAway: ({ code }: AppError) => void said.push(code) };
  const work = (): Promise<number> => (++tries < 5 ? Promise.reject(failing('unavailable')) : Promise.resolve(tries));
  expect(await whileApiIsAway(work, options)).toBe(5);
  expect(said).toEqual(['TEST.X']);
});

it('gives up after a minute', async () => {
  const clock = fakeClock();
  const away = (): Promise<never> => Promise.reject(failing('unavailable'));
  await expect(whileApiIsAway(away, { clock, onAway: () => undefined })).rejects.toMatchObject({ code: 'TEST.X' });
  expect(clock.monotonicMs()).toBeGreaterThan(60_000);
  expect(clock.monotonicMs()).toBeLessThan(62_000);
});

it('throws at once what waiting does not mend', async () => {
  let tries = 0;
  const work = (): Promise<never> => {
    tries++;
    return Promise.reject(failing('not_found'));
  };
  const options = { clock: fakeClock(), onAway: () => undefined };
  await expect(whileApiIsAway(work, options)).rejects.toMatchObject({ kind: 'not_found' });
  expect(tries).toBe(1);
});
