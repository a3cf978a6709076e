import { DEVICE_NAME } from '@millrace/contracts/plain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeGpus } from '../../test/fake-gpus';
import { selectionEnvironment } from '../config/driver-environment';
import { deviceIdentity, type IdentityFacts, isOther } from './device-identity';
import { proveDevice } from './device-proof';
import { hostGpus } from './host-gpus';
import { chosenDevice } from './wanted-device';

const A = { uuid: 'GPU-aaaaaaaa-0000-0000-0000-000000000000', pci: '00000000:3B:00.0' };
const B = { uuid: 'GPU-bbbbbbbb-0000-0000-0000-000000000000', pci: '00000000:AF:00.0' };
const PID = 4321;

let machine: FakeGpus;
beforeEach(() => {
  machine = new FakeGpus();
});
afterEach(() => machine.remove());

describe('the GPUs of a machine', () => {
  it('are those of nvidia-smi in its order, then other cards that render, each once', async () => {
    machine.nvidia(B, A);
    machine.card('0x8086', '0000:00:02.0');
    machine.card('0x1a03', '0000:01:00.0');
    machine.card('0x10de', '0000:3b:00.0');
    machine.card('0x1002', '0000:c4:00.0');
    machine.card('0x1002', '0000:c5:00.0', { renders: false });
    const gpus = await hostGpus(machine);
    expect(gpus.map(({ vendor, pciAddress, uuid }) => [vendor, pciAddress, uuid])).toEqual([
      ['nvidia', '0000:3b:00.0', A.uuid],
      ['nvidia', '0000:af:00.0', B.uuid],
      ['amd', '0000:c4:00.0', undefined],
      ['intel', '0000:00:02.0', undefined],
    ]);
  });

  it('are none where neither tells of one', async () => {
    expect(await hostGpus(machine)).toEqual([]);
  });
});

describe('--device', () => {
  it.each(['0', '12', A.uuid, '0000:af:00.0', '00000000:AF:00.0', 'af:00.0'])('may be %s', (wanted) => {
    expect(wanted).toMatch(DEVICE_NAME);
  });
  it.each(['-1', 'x', 'GPU-', '0000:af:00', '1.5'])('may not be %s', (wanted) => {
    expect(wanted).not.toMatch(DEVICE_NAME);
  });

  it('names one of identical GPUs, by each of its names', async () => {
    machine.nvidia(A, B);
    const gpus = await hostGpus(machine);
    const exact = { index: 1, gpu: gpus[1], exact: true };
    for (const wanted of [B.uuid.toUpperCase(), B.pci, '0000:af:00.0', 'af:00.0'])
      expect(chosenDevice(wanted, gpus), wanted).toEqual(exact);
    expect(chosenDevice('1', gpus)).toEqual({ ...exact, exact: false });
    expect(chosenDevice('2', gpus)).toEqual({ index: 2, gpu: undefined, exact: false });
    expect(() => chosenDevice('00:02.0', gpus)).toThrow(
      expect.objectContaining({ code: 'AGENT.DEVICE_UNKNOWN', message: expect.stringContaining(`1: NVIDIA`) }),
    );
  });

  it('makes that GPU the only one that the driver offers, unless the user chose another way', () => {
    const variables = { DRI_PRIME: 'pci-0000_af_00_0', MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: '1' };
    expect(selectionEnvironment('0000:af:00.0', {})).toEqual(variables);
    for (const name of ['DRI_PRIME', 'VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'MESA_VK_DEVICE_SELECT'])
      expect(selectionEnvironment('0000:af:00.0', { [name]: 'x' })).toEqual({});
  });
});

describe('which GPU a process has', () => {
  it('is the one on which nvidia-smi lists it, with the most memory where there are several', async () => {
    machine.nvidia({ ...A, processes: { [PID]: 4, 99: 9000 } }, { ...B, processes: { [PID]: 300 } });
    const expected = { uuid: B.uuid, pciAddress: '0000:af:00.0', proof: 'nvidia-smi' };
    expect(await proveDevice(true, { pid: PID, ...machine })).toEqual(expected);
  });

  it('is unknown where the list is hidden, unless there is only one', async () => {
    machine.nvidia(A, B);
    expect(await proveDevice(true, { pid: PID, ...machine })).toBeUndefined();
    machine.nvidia(A);
    expect(await proveDevice(true, { pid: PID, ...machine })).toMatchObject({ uuid: A.uuid, proof: 'only' });
  });

  it('is the one of its open files that has memory, each client counted once', async () => {
    machine.open('0000:03:00.0', 1, 0);
    machine.open('0000:04:00.0', 2, 40_000);
    machine.open('0000:03:00.0', 3, 30_000);
    machine.open('0000:03:00.0', 3, 30_000);
    const expected = { uuid: '', pciAddress: '0000:04:00.0', proof: 'fdinfo' };
    expect(await proveDevice(false, { pid: PID, ...machine })).toEqual(expected);
  });

  it('is unknown where two look the same, and where nothing is open', async () => {
    expect(await proveDevice(false, { pid: PID, ...machine })).toBeUndefined();
    machine.open('0000:03:00.0', 1, 0);
    machine.open('0000:04:00.0', 2, 0);
    expect(await proveDevice(false, { pid: PID, ...machine })).toBeUndefined();
  });
});

describe('the identity of a device', () => {
  const adapter = { adapterClass: 'gpu', description: 'NVIDIA RTX A6000', device: '' } as const;
  async function facts(wanted: string, given: Partial<IdentityFacts> = {}): Promise<IdentityFacts> {
    machine.nvidia(A, B);
    const gpus = await hostGpus(machine);
    return { adapter, gpus, chosen: chosenDevice(wanted, gpus), selected: true, proof: undefined, ...given };
  }
  const onA = { uuid: '', pciAddress: '0000:3b:00.0', proof: 'fdinfo' } as const;

  it('is what was proven, with both names', async () => {
    expect(deviceIdentity(await facts('0', { proof: onA }))).toEqual({ ...onA, uuid: A.uuid });
  });

  it('is that of the setting where nothing proves it, and unknown where the driver was not told', async () => {
    expect(deviceIdentity(await facts('1'))).toEqual({ uuid: B.uuid, pciAddress: '0000:af:00.0', proof: 'setting' });
    expect(deviceIdentity(await facts('1', { selected: false })).proof).toBe('');
  });

  it('may differ from a number, which is told, and not from a name, which is refused', async () => {
    const numbered = await facts('1', { proof: onA });
    expect(isOther(numbered, deviceIdentity(numbered))).toBe(true);
    const named = await facts(B.uuid, { proof: onA });
    expect(() => deviceIdentity(named)).toThrow(expect.objectContaining({ code: 'AGENT.DEVICE_WRONG' }));
    const software = await facts(B.uuid, { adapter: { ...adapter, adapterClass: 'cpu' } });
    expect(() => deviceIdentity(software)).toThrow(expect.objectContaining({ code: 'AGENT.DEVICE_WRONG' }));
  });

  it('is nobody’s for a software driver', async () => {
    const software = await facts('0', { adapter: { ...adapter, adapterClass: 'cpu' } });
    expect(deviceIdentity(software)).toEqual({ uuid: '', pciAddress: '', proof: '' });
    expect(isOther(software, deviceIdentity(software))).toBe(false);
  });
});
