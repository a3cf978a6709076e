import { describe, expect, it } from 'vitest';
import { type DeviceOwner, sharersOf } from './shared-device';

const agent = (id: string, adapter: object, more: Partial<DeviceOwner> = {}): DeviceOwner => ({
  id,
  host: 'host',
  connected: true,
  adapter,
  ...more,
});
const A = { uuid: 'GPU-a', pciAddress: '0000:01:00.0' };

describe('agents on one GPU', () => {
  it('are those of one UUID, whatever their hosts are called', () => {
    const all = [agent('1', A), agent('2', A, { host: 'container' }), agent('3', { ...A, uuid: 'GPU-b' })];
    expect(sharersOf(all[0]!, all)).toEqual(['2']);
  });

  it('are those of one PCI address on one host, where there is no UUID', () => {
    const amd = { uuid: '', pciAddress: '0000:03:00.0' };
    const all = [agent('1', amd), agent('2', amd), agent('3', amd, { host: 'other' })];
    expect(sharersOf(all[0]!, all)).toEqual(['2']);
  });

  it('are none of those that are gone or do not say', () => {
    const all = [agent('1', A), agent('2', A, { connected: false }), agent('3', {}), agent('4', {})];
    expect(sharersOf(all[0]!, all)).toEqual([]);
    expect(sharersOf(all[2]!, all)).toEqual([]);
  });
});
