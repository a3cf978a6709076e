import type { LogLineBody } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { filterLogs, splitByMatch } from './log-filter';

const line = (id: string, stage: number, level: string, text: string): LogLineBody => ({
  ...{ id, stage, level, text, time: '2026-01-01T00:00:00.000Z', agent: 'agent_a', fence: 1 },
});
const lines = [line('1', 0, 'info', 'Compiled F'), line('2', 1, 'warn', 'slow link'), line('3', 1, 'error', 'Lost')];
const ids = (found: readonly LogLineBody[]): string => found.map(({ id }) => id).join();

describe('the search in logs', () => {
  it('goes by text, stage and least level together', () => {
    const all = { text: '', stage: '', level: '' };
    expect(ids(filterLogs(lines, all))).toBe('1,2,3');
    expect(ids(filterLogs(lines, { ...all, text: 'compiled' }))).toBe('1');
    expect(ids(filterLogs(lines, { ...all, stage: '1' }))).toBe('2,3');
    expect(ids(filterLogs(lines, { ...all, level: 'warn' }))).toBe('2,3');
    expect(ids(filterLogs(lines, { text: 'o', stage: '1', level: 'error' }))).toBe('3');
  });

  it('marks what was found', () => {
    expect(splitByMatch('aXbxc', 'x')).toEqual(['a', 'X', 'b', 'x', 'c']);
    expect(splitByMatch('abc', '')).toEqual(['abc']);
    expect(splitByMatch('abc', 'z')).toEqual(['abc']);
  });
});
