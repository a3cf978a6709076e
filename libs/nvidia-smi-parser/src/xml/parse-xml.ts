import type { NvidiaGpu, NvidiaMigDevice, NvidiaProcess } from '../nvidia-gpu';
import { NvidiaSmiParseError, positionAt } from '../parse-error';
import type { NvidiaSmiReport } from '../report';
import { CLOCK_EVENT_FIELDS } from '../values/clock-event-reasons';
import type { FieldSource } from '../values/field-table';
import { readFields } from '../values/field-table';
import { GPU_FIELDS, HOST_FIELDS } from '../values/gpu-fields';
import { MIG_FIELDS, PROCESS_FIELDS, eccFields } from '../values/part-fields';
import { isUnknown, readValue } from '../values/value-reader';
import type { XmlElement } from './xml-tree';
import { childAt, parseXmlTree } from './xml-tree';

const ROOT = 'nvidia_smi_log';
const ECC_VOLATILE = eccFields('volatile');
const ECC_AGGREGATE = eccFields('aggregate');

/** `nvidia-smi -q -x`, whose document starts at `start`. */
export function parseXml(text: string, start: number): NvidiaSmiReport {
  const close = text.lastIndexOf(`</${ROOT}>`);
  // Warnings of the driver, such as that of a corrupt infoROM, stand before or after the document.
  const end = close < start ? text.length : close + ROOT.length + 3;
  const root = parseXmlTree(text, start, end);
  if (root.name !== ROOT) {
    throw new NvidiaSmiParseError(
      'UNRECOGNISED',
      `the XML is of <${root.name}>, not of <${ROOT}>: run \`nvidia-smi -q -x\``,
      positionAt(text, start),
    );
  }
  const around = [text.slice(0, start), text.slice(end)].map((part) => part.trim()).filter((part) => part !== '');
  return {
    format: 'xml',
    ...readFields(HOST_FIELDS, lookupIn(root)),
    gpus: root.children.filter((child) => child.name === 'gpu').map(readGpu),
    warnings: around.map((part) => `text outside the document: ${part.slice(0, 300)}`),
  };
}

function readGpu(gpu: XmlElement): NvidiaGpu {
  const lookup = lookupIn(gpu);
  return {
    ...readFields(GPU_FIELDS, lookup),
    clockEventReasons: readFields(CLOCK_EVENT_FIELDS, lookup),
    eccVolatile: readFields(ECC_VOLATILE, lookup),
    eccAggregate: readFields(ECC_AGGREGATE, lookup),
    migDevices: readMigDevices(gpu),
    processes: readProcesses(gpu),
  };
}

function readMigDevices(gpu: XmlElement): NvidiaMigDevice[] | null {
  const devices = listIn(gpu, 'mig_devices', 'mig_device');
  return devices?.map((device) => readFields(MIG_FIELDS, lookupIn(device))) ?? null;
}

/** The oldest drivers list `compute_processes` and give no type, since all of them compute. */
function readProcesses(gpu: XmlElement): NvidiaProcess[] | null {
  const processes = listIn(gpu, 'processes', 'process_info');
  if (processes) return processes.map((process) => readFields(PROCESS_FIELDS, lookupIn(process)));
  const computing = listIn(gpu, 'compute_processes', 'process_info');
  return computing?.map((process) => ({ ...readFields(PROCESS_FIELDS, lookupIn(process)), type: 'C' })) ?? null;
}

/** The items of a list; null when the element is missing or says N/A in their place. An empty one lists nothing. */
function listIn(gpu: XmlElement, list: string, item: string): XmlElement[] | null {
  const element = childAt(gpu, list);
  if (element === undefined) return null;
  const items = element.children.filter((child) => child.name === item);
  const text = element.text.trim();
  return items.length === 0 && text !== '' && isUnknown(text) ? null : items;
}

/** Only paths of direct children lead to a value: what a MIG device says is never found from its GPU. */
function lookupIn(element: XmlElement): <V>(source: FieldSource<V>) => V | null {
  return (source) => {
    for (const path of source.xml) {
      const text = path.startsWith('@') ? element.attributes[path.slice(1)] : leafText(element, path);
      const value = text === undefined ? null : readValue(source.reader, text, 'required');
      if (value !== null) return value;
    }
    return null;
  };
}

function leafText(element: XmlElement, path: string): string | undefined {
  const leaf = childAt(element, path);
  return leaf?.children.length === 0 ? leaf.text : undefined;
}
