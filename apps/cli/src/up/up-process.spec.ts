import { expect, it } from 'vitest';
import { isUpCommandLine, isUpProcess } from './up-process';

it('knows who holds a home by its command line: up and quickstart', () => {
  const line = (...args: string[]): string => args.map((argument) => `${argument}\0`).join('');
  expect(isUpCommandLine(line('node', '/m/bin/millrace.js', 'up', '--agents', '2'))).toBe(true);
  expect(isUpCommandLine(line('node', '/m/dist/apps/cli/src/quickstart.js'))).toBe(true);
  expect(isUpCommandLine(line('node', '/m/bin/millrace.js', 'runs'))).toBe(false);
  expect(isUpCommandLine(line('upsd', '-D', 'upper'))).toBe(false);
});

it('knows no process that is gone, nor one that is another program', () => {
  expect(isUpProcess(2 ** 30)).toBe(false);
  expect(isUpProcess(process.pid)).toBe(false);
});
