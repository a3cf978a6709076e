import { sessionSchema } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { sessionEndText } from './session-end-text';

describe('the end of a session', () => {
  it('is a time, or there is none', () => {
    const user = { id: 'user_a', name: 'admin', role: 'admin' };
    const endless = sessionSchema.parse({ user, expiresAt: null });
    expect(sessionEndText(endless.expiresAt)).toBe('signed in until you sign out');
    const ending = sessionSchema.parse({ user, expiresAt: '2026-03-01T14:03:27.000Z' });
    expect(sessionEndText(ending.expiresAt)).toMatch(/^signed in until 2026-03-0\d \d\d:\d\d:27$/);
  });
});
