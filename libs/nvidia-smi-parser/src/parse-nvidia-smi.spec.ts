import { describe, expect, it } from 'vitest';
import { NvidiaSmiParseError, gpusByUuid, parseNvidiaSmi } from '.';

function gpuXml(...uuids: string[]): string {
  const gpus = uuids.map((uuid, index) => `<gpu id="${index}"><uuid>${uuid}</uuid></gpu>`).join('\n');
  return `<nvidia_smi_log>\n${gpus}\n</nvidia_smi_log>\n`;
}

describe('parseNvidiaSmi refuses', () => {
  const cases: [string, string, string, unknown][] = [
    ['nothing', ' \n ', 'EMPTY', null],
    ['the words of a missing driver', 'NVIDIA-SMI has failed because it couldn’t …', 'UNRECOGNISED', null],
    ['no devices', 'No devices were found\n', 'UNRECOGNISED', null],
    ['other XML', '<html><body>Not found</body></html>', 'UNRECOGNISED', { offset: 0, line: 1, column: 1 }],
    ['CSV without header and fields', '0, GPU-1, 15360\n', 'UNRECOGNISED', null],
    ['a header alone', 'uuid, memory.used [MiB]\n', 'TRUNCATED', { line: 2, column: 1 }],
    ['a message alone', 'uuid, name\nUnable to determine the device handle\n', 'UNRECOGNISED', null],
    ['a row cut short', 'uuid, name, index\nGPU-1, Tes', 'TRUNCATED', { offset: 28 }],
    ['a row with a cell too many', 'uuid, name\nGPU-1, a, b\n', 'MALFORMED', { line: 2, column: 1 }],
    ['a document type alone', '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log', 'TRUNCATED', { line: 2 }],
    ['crossed tags', '<nvidia_smi_log>\n<gpu><a></gpu></a></nvidia_smi_log>', 'MALFORMED', { line: 2 }],
    ['a raw <', '<nvidia_smi_log><gpu>1<2</gpu></nvidia_smi_log>', 'MALFORMED', { line: 1 }],
    ['deep nesting', `<nvidia_smi_log>${'<a>'.repeat(50)}`, 'MALFORMED', { line: 1 }],
  ];

  it.each(cases)('%s', (_, text, code, position) => {
    const expected = position === null ? null : (expect.objectContaining(position) as unknown);
    expect(() => parseNvidiaSmi(text)).toThrow(NvidiaSmiParseError);
    try {
      parseNvidiaSmi(text);
    } catch (error) {
      expect(error).toMatchObject({ code, position: expected });
    }
  });

  it('more bytes than allowed', () => {
    expect(() => parseNvidiaSmi('x'.repeat(101), { inputBytesMax: 100 })).toThrow(/101 bytes of output, at most 100/);
  });
});

describe('parseNvidiaSmi', () => {
  it('expands no entity that a document type declares', () => {
    const declared = '<!DOCTYPE nvidia_smi_log [<!ENTITY big "ha"><!ENTITY more "&big;&big;">]>';
    const report = parseNvidiaSmi(
      `<?xml version="1.0"?>${declared}<nvidia_smi_log><driver_version>&more;</driver_version></nvidia_smi_log>`,
    );
    expect(report.driverVersion).toBe('&more;');
  });

  it('keys GPUs by UUID, and says when two claim one', () => {
    const report = parseNvidiaSmi(gpuXml('GPU-b', 'GPU-a', 'GPU-b', 'N/A'));
    expect(report.warnings).toEqual(['more than one GPU says that it is GPU-b']);
    const byUuid = gpusByUuid(report);
    expect([...byUuid.keys()]).toEqual(['GPU-b', 'GPU-a']);
    expect(byUuid.get('GPU-b')?.pciBusId).toBe('0');
  });

  it('reads bytes and text alike, with a byte order mark, CRLF or spaces in front', () => {
    const text = gpuXml('GPU-a');
    const expected = parseNvidiaSmi(text);
    for (const same of [`\uFEFF${text}`, `\n  ${text}`, text.replaceAll('\n', '\r\n')]) {
      expect(parseNvidiaSmi(same)).toEqual(expected);
      expect(parseNvidiaSmi(Buffer.from(same))).toEqual(expected);
    }
    const csv = 'uuid, memory.used [MiB]\nGPU-a, 3 MiB\n';
    expect(parseNvidiaSmi(csv.replaceAll('\n', '\r\n'))).toEqual(parseNvidiaSmi(csv));
  });

  it('decodes the masks of reasons in CSV', () => {
    const header = 'uuid, clocks_event_reasons.active, clocks_event_reasons.supported';
    const report = parseNvidiaSmi(`${header}\nGPU-a, 0x0000000000000060, 0x00000000000000FF\n`);
    expect(report.gpus[0]?.clockEventReasons).toEqual({
      gpuIdle: false,
      applicationsClocksSetting: false,
      swPowerCap: false,
      hwSlowdown: false,
      hwThermalSlowdown: true,
      hwPowerBrakeSlowdown: false,
      syncBoost: false,
      swThermalSlowdown: true,
      displayClocksSetting: null,
      unknown: null,
    });
  });

  it('keeps the other GPUs of CSV in which a message stands in place of one that is lost', () => {
    const lost = 'Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot to recover this GPU';
    const { gpus, warnings } = parseNvidiaSmi(`uuid, memory.used [MiB]\nGPU-1, 5 MiB\n${lost}\nGPU-3, 7 MiB\n`);
    expect(gpus.map(({ uuid, memoryUsedMiB }) => [uuid, memoryUsedMiB])).toEqual([
      ['GPU-1', 5],
      ['GPU-3', 7],
    ]);
    expect(warnings).toEqual([lost]);
  });

  it('keeps the GPUs in a report whose attached count is higher', () => {
    const report = parseNvidiaSmi('<nvidia_smi_log><attached_gpus>4</attached_gpus><gpu/></nvidia_smi_log>');
    expect(report.attachedGpuCount).toBe(4);
    expect(report.gpus).toHaveLength(1);
  });
});
