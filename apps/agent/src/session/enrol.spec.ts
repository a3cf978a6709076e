import { describe, expect, it } from 'vitest';
import { AppError, type ErrorKind, silentLogger, systemClock } from '@millrace/core';
import { enrol } from './enrol';

const failure = (kind: ErrorKind): AppError => new AppError({ code: 'GRPC.TEST', kind, message: 'x' });

function scene(
  answers: Record<string, (string | undefined | AppError)[]>,
  known?: string,
  token?: string,
  mismatch?: AppError,
) {
  const kept: string[] = [];
  const asked: string[] = [];
  let tokensRead = 0;
  const credential = enrol({
    known,
    token: () => {
      tokensRead += 1;
      return token;
    },
    explain: async () => mismatch,
    keep: (each) => void kept.push(each),
    ask: async (each) => {
      asked.push(each);
      const answer = answers[each]?.shift();
      if (answer instanceof AppError) throw answer;
      return answer;
    },
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
  });
  return { credential, kept, asked, tokensRead: () => tokensRead };
}

describe('enrolling', () => {
  it('gives a credential for a token, and keeps it', async () => {
    const { credential, kept } = scene({ join: ['own'] }, undefined, 'join');
    expect(await credential).toBe('own');
    expect(kept).toEqual(['own']);
  });

  it('asks with the known credential first, and leaves the token alone while that is good', async () => {
    const { credential, asked, kept, tokensRead } = scene({ own: [undefined] }, 'own', 'join');
    expect(await credential).toBe('own');
    expect(tokensRead()).toBe(0);
    expect([asked, kept]).toEqual([['own'], []]);
  });

  it('takes the token when the known credential is refused', async () => {
    const { credential, kept } = scene({ own: [failure('unauthenticated')], join: ['new'] }, 'own', 'join');
    expect(await credential).toBe('new');
    expect(kept).toEqual(['new']);
  });

  it('starts with the known credential while the API is away, and waits for it otherwise', async () => {
    expect(await scene({ own: [failure('unavailable')] }, 'own').credential).toBe('own');
    const waiting = scene({ join: [failure('unavailable'), failure('unavailable'), 'own'] }, undefined, 'join');
    expect(await waiting.credential).toBe('own');
    expect(waiting.asked).toHaveLength(3);
  });

  it('tells what is missing, or why the token is refused', async () => {
    await expect(scene({}).credential).rejects.toMatchObject({ code: 'AGENT.TOKEN_NEEDED' });
    const refused = scene({ own: [failure('unauthenticated')] }, 'own');
    await expect(refused.credential).rejects.toThrow(/refused/);
    const used = scene({ join: [failure('unauthenticated')] }, undefined, 'join');
    await expect(used.credential).rejects.toMatchObject({ code: 'GRPC.TEST' });
  });

  it('does not wait for an API whose certificate will be no better later', async () => {
    const mismatch = new AppError({ code: 'AGENT.TLS_NEEDED', kind: 'precondition', message: 'x' });
    const joining = scene({ join: [failure('unavailable')] }, undefined, 'join', mismatch);
    await expect(joining.credential).rejects.toBe(mismatch);
    await expect(scene({ own: [failure('unavailable')] }, 'own', undefined, mismatch).credential).rejects.toBe(
      mismatch,
    );
  });

  it('asks again when it has asked too often', async () => {
    const { credential, asked } = scene({ join: [failure('exhausted'), 'own'] }, undefined, 'join');
    expect(await credential).toBe('own');
    expect(asked).toHaveLength(2);
  });
});
