import { type DatasetContentType, datasetContentType } from '@millrace/contracts/plain';

export interface FileKind {
  readonly contentType: DatasetContentType;
  /** False for a file that has tokens already. */
  readonly takesTokenizer: boolean;
  readonly what: string;
}

const KINDS: Readonly<Record<DatasetContentType, Omit<FileKind, 'contentType'>>> = {
  'text/plain': { takesTokenizer: true, what: 'text' },
  'application/x-ndjson': { takesTokenizer: true, what: 'one JSON object with a text per line' },
  'application/x-tokens-u16': { takesTokenizer: false, what: 'tokens of 16 bits each' },
};

/** The kind of a file by the ending of its name; undefined if the ending is unknown. */
export function fileKind(fileName: string): FileKind | undefined {
  const contentType = datasetContentType(fileName);
  return contentType === undefined ? undefined : { contentType, ...KINDS[contentType] };
}

/** Makes a dataset's name from a file's name, by leaving out characters that the API does not allow. */
export function nameOfFile(fileName: string): string {
  return fileName
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 128);
}
