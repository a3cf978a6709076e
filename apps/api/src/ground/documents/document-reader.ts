import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Clock, describeError, duplicateKey } from '@millrace/core';
import { workerFile } from '../concurrency/worker-file';
import { WorkerPool } from '../concurrency/worker-pool';
import { CLOCK } from '../config/api-logger';
import { jsonObstacle } from './json-shape';
import { documentMalformed, documentsBusy } from '../http/boundary.errors';
import type { ParsedYaml } from './threads/parse-yaml';

export type DocumentType = 'application/json' | 'application/yaml';

/** The largest legal document takes a tenth of this; the machine may be busy with other things. */
const YAML_MS_MAX = 3_000;
const YAML_WAITING_MAX = 16;
const YAML_HEAP_MIB_MAX = 256;

/** Reads JSON and YAML from outside, at a bounded cost and without blocking the event loop. */
@Injectable()
export class DocumentReader implements OnModuleDestroy {
  private readonly threads: WorkerPool<string>;

  constructor(@Inject(CLOCK) clock: Clock) {
    this.threads = new WorkerPool({
      file: workerFile(`${__dirname}/threads`, 'yaml-worker'),
      clock,
      threadsMax: 1,
      waitingMax: YAML_WAITING_MAX,
      timeoutMs: YAML_MS_MAX,
      heapMibMax: YAML_HEAP_MIB_MAX,
      unanswered: (why) =>
        why === 'busy'
          ? documentsBusy(YAML_WAITING_MAX)
          : documentMalformed('YAML', `reading it took more than ${YAML_MS_MAX / 1000} s`),
    });
  }

  /** Parses the text. @throws AppError API.DOCUMENT_MALFORMED with the place in the text, API.DOCUMENTS_BUSY */
  async read(bytes: Buffer, type: DocumentType): Promise<unknown> {
    const language = type === 'application/json' ? 'JSON' : 'YAML';
    const text = decodeUtf8(bytes, language);
    if (text.trim() === '') throw documentMalformed(language, 'the body is empty');
    return language === 'JSON' ? readJson(text) : this.readYaml(text);
  }

  async onModuleDestroy(): Promise<void> {
    await this.threads.close();
  }

  private async readYaml(text: string): Promise<unknown> {
    const parsed = await this.threads.run<ParsedYaml>(text);
    if ('reason' in parsed) throw documentMalformed('YAML', parsed.reason);
    return parsed.value;
  }
}

function decodeUtf8(bytes: Buffer, language: 'JSON' | 'YAML'): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw documentMalformed(language, 'it is not UTF-8');
  }
}

function readJson(text: string): unknown {
  const obstacle = jsonObstacle(text);
  if (obstacle !== undefined) throw documentMalformed('JSON', obstacle);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw documentMalformed('JSON', describeError(cause));
  }
  const duplicate = duplicateKey(text);
  if (duplicate) throw documentMalformed('JSON', `the key ${JSON.stringify(duplicate.key)} occurs twice in an object`);
  return value;
}
