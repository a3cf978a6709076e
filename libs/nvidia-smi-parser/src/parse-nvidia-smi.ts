import { parseCsv } from './csv/parse-csv';
import { decodeOutput } from './decode-output';
import { NvidiaSmiParseError } from './parse-error';
import type { NvidiaSmiReport } from './report';
import { parseXml } from './xml/parse-xml';

export interface ParseOptions {
  /** The names given to `--query-gpu`, in order: needed for CSV with `noheader`. */
  readonly fields?: readonly string[];
  /** Longer input is refused. Default 16 MiB; eight GPUs with all their clocks make less than 1 MiB. */
  readonly inputBytesMax?: number;
}

const INPUT_BYTES_MAX = 16 * 2 ** 20;
const XML_START = /<\?xml\b|<!DOCTYPE\s+nvidia_smi_log\b|<nvidia_smi_log\b/;

/**
 * What `nvidia-smi -q -x` or `nvidia-smi --query-gpu=… --format=csv[,noheader][,nounits]` printed, of any driver.
 * Throws NvidiaSmiParseError and nothing else.
 */
export function parseNvidiaSmi(output: string | Uint8Array, options: ParseOptions = {}): NvidiaSmiReport {
  const { inputBytesMax = INPUT_BYTES_MAX, fields } = options;
  if (output.length > inputBytesMax)
    throw new NvidiaSmiParseError('TOO_LARGE', `${output.length} bytes of output, at most ${inputBytesMax} are read`);
  const decoded = decodeOutput(output);
  if (decoded.text.trim() === '') throw new NvidiaSmiParseError('EMPTY', 'nvidia-smi printed nothing');
  const report = parseText(decoded.text, fields);
  return { ...report, warnings: [...decoded.warnings, ...report.warnings, ...duplicates(report)] };
}

function parseText(text: string, fields: readonly string[] | undefined): NvidiaSmiReport {
  const start = XML_START.exec(text)?.index ?? (text.trimStart().startsWith('<') ? text.indexOf('<') : undefined);
  return start === undefined ? parseCsv(text, fields) : parseXml(text, start);
}

function duplicates(report: NvidiaSmiReport): string[] {
  const uuids = report.gpus.map((gpu) => gpu.uuid).filter((uuid) => uuid !== null);
  const twice = new Set(uuids.filter((uuid, index) => uuids.indexOf(uuid) !== index));
  return [...twice].map((uuid) => `more than one GPU says that it is ${uuid}`);
}
