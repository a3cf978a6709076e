/** Content types of `POST /datasets` by the endings of files, without the dot and in lower case. */
const CONTENT_TYPES = {
  txt: 'text/plain',
  text: 'text/plain',
  md: 'text/plain',
  ndjson: 'application/x-ndjson',
  jsonl: 'application/x-ndjson',
  json: 'application/x-ndjson',
  bin: 'application/x-tokens-u16',
  u16: 'application/x-tokens-u16',
  tokens: 'application/x-tokens-u16',
} as const;

export type DatasetContentType = (typeof CONTENT_TYPES)[keyof typeof CONTENT_TYPES];

export const DATASET_FILE_ENDINGS: readonly string[] = Object.keys(CONTENT_TYPES).map((ending) => `.${ending}`);

/** The content type for the ending of a file's name, in upper or lower case; undefined if the ending is not known. */
export function datasetContentType(fileName: string): DatasetContentType | undefined {
  const ending = /\.([^./\\]*)$/.exec(fileName)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(CONTENT_TYPES, ending) ? CONTENT_TYPES[ending as keyof typeof CONTENT_TYPES] : undefined;
}
