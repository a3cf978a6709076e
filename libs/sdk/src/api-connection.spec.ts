import { expect, it } from 'vitest';
import { ApiConnection } from './api-connection';

const reset = (code = 'ECONNRESET'): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(), { code }) });

function connectionTo(origin: string, ...answers: (Error | Response)[]): { api: ApiConnection; asked: string[] } {
  const asked: string[] = [];
  const api = new ApiConnection({
    origin,
    fetch: (url, init) => {
      asked.push(`${init?.method ?? ''} ${(url as URL).pathname}`);
      const answer = answers.shift()!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return { api, asked };
}

const connection = (...answers: (Error | Response)[]): ReturnType<typeof connectionTo> =>
  connectionTo('http://127.0.0.1:7070/', ...answers);

it('keeps the path below which a proxy serves the API', async () => {
  const { api, asked } = connectionTo('https://lab.example/train/', Response.json({}));
  await api.json('/runs');
  expect(asked).toEqual(['GET /train/api/v1/runs']);
});

it('asks once more where a connection kept open was closed', async () => {
  const { api, asked } = connection(reset(), Response.json({ a: 1 }));
  expect(await api.json('/runs')).toEqual({ a: 1 });
  expect(asked).toEqual(['GET /api/v1/runs', 'GET /api/v1/runs']);
});

it('says that the API cannot be reached where it is closed again, or was never there', async () => {
  const twice = connection(reset(), reset('UND_ERR_SOCKET'));
  await expect(twice.api.json('/runs')).rejects.toMatchObject({ code: 'SDK.API_UNREACHABLE' });
  expect(twice.asked).toHaveLength(2);
  const away = connection(reset('ECONNREFUSED'));
  await expect(away.api.json('/runs')).rejects.toMatchObject({ code: 'SDK.API_UNREACHABLE' });
  expect(away.asked).toHaveLength(1);
});

it('never sends twice what changes something', async () => {
  const { api, asked } = connection(reset());
  await expect(api.nothing('/runs', { method: 'POST' })).rejects.toMatchObject({ code: 'SDK.API_UNREACHABLE' });
  expect(asked).toEqual(['POST /api/v1/runs']);
});
