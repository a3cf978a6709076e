import { describeError } from '@millrace/core';
import { parseDocument as parseYaml } from 'yaml';
import { documentMalformed } from './boundary.errors';

/** Aliases make a few bytes of YAML into gigabytes; a run spec needs a handful. */
const YAML_ALIASES_MAX = 50;

export type DocumentType = 'application/json' | 'application/yaml';

/** JSON or YAML text as a value. @throws AppError API.DOCUMENT_MALFORMED with the place in the text */
export function readDocument(bytes: Buffer, type: DocumentType): unknown {
  const language = type === 'application/json' ? 'JSON' : 'YAML';
  const text = decodeUtf8(bytes, language);
  if (text.trim() === '') throw documentMalformed(language, 'it is empty');
  try {
    return language === 'JSON' ? JSON.parse(text) : readYaml(text);
  } catch (cause) {
    throw documentMalformed(language, describeError(cause));
  }
}

function decodeUtf8(bytes: Buffer, language: 'JSON' | 'YAML'): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw documentMalformed(language, 'it is not UTF-8');
  }
}

function readYaml(text: string): unknown {
  const document = parseYaml(text, { uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error) throw error;
  return document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
}
