import { parseArgs } from 'node:util';
import { NvidiaSmiParseError } from '../parse-error';
import { parseNvidiaSmi } from '../parse-nvidia-smi';

export const USAGE = `Reads what nvidia-smi printed and prints it as JSON.

  nvidia-smi -q -x | nvidia-smi-parser
  nvidia-smi --query-gpu=uuid,power.draw --format=csv | nvidia-smi-parser
  nvidia-smi --query-gpu=uuid,power.draw --format=csv,noheader,nounits | nvidia-smi-parser --fields uuid,power.draw

Exit code 0: one JSON document on stdout. 1: the input could not be read, and stderr says where. 2: wrong usage.
`;

export interface Streams {
  readonly input: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  readonly output: { write: (text: string) => unknown };
  readonly errors: { write: (text: string) => unknown };
}

const INPUT_BYTES_MAX = 16 * 2 ** 20;

/** The command `nvidia-smi-parser`; answers its exit code. */
export async function runParser(argv: readonly string[], { input, output, errors }: Streams): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string' || (input.isTTY === true && !options.help)) {
    errors.write(`${typeof options === 'string' ? `${options}\n\n` : ''}${USAGE}`);
    return 2;
  }
  if (options.help) {
    output.write(USAGE);
    return 0;
  }
  try {
    const report = parseNvidiaSmi(await readAll(input), { fields: options.fields, inputBytesMax: INPUT_BYTES_MAX });
    output.write(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof NvidiaSmiParseError)) throw error;
    errors.write(`nvidia-smi-parser: ${error.code}: ${error.message}\n`);
    return 1;
  }
}

function readOptions(argv: readonly string[]): { help: boolean; fields?: string[] } | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { help: { type: 'boolean', short: 'h' }, fields: { type: 'string' } },
    });
    return { help: values.help ?? false, fields: values.fields?.split(',') };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** One byte more than allowed is enough for the parser to refuse it. */
async function readAll(input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > INPUT_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}
