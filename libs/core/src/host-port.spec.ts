import { describe, expect, it } from 'vitest';
import { hostPort, isLoopback, splitHostPort } from './host-port';

describe('addresses', () => {
  it.each([
    ['node.example:7171', 'node.example', 7171],
    ['node.example', 'node.example', undefined],
    ['192.0.2.7:1', '192.0.2.7', 1],
    ['fd00::1:7171', 'fd00::1:7171', undefined],
    ['[fd00::1]:7171', 'fd00::1', 7171],
    ['[fd00::1]', 'fd00::1', undefined],
  ])('%s is split', (text, host, port) => {
    expect(splitHostPort(text)).toEqual({ host, port });
  });

  it('have their brackets where a port follows', () => {
    expect(['fd00::1', '[fd00::1]', '192.0.2.7'].map((host) => hostPort(host, 80))).toEqual([
      '[fd00::1]:80',
      '[fd00::1]:80',
      '192.0.2.7:80',
    ]);
  });

  it('are of this machine alone, or not', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true);
    expect(['127.example', '0.0.0.0', '::', '10.0.0.1', '1127.0.0.1'].some(isLoopback)).toBe(false);
  });
});
