import type { DatasetBody, Problem } from '@millrace/contracts';
import { AppError } from '@millrace/core';

export interface DatasetFile {
  readonly name: string;
  /** The tokenizer: byte, char or gpt2; undefined for a file of tokens. */
  readonly tokenizer: string | undefined;
  readonly contentType: string;
  readonly file: Blob;
  /** Receives the share that was sent, from 0 to 1. */
  readonly onProgress: (ratio: number) => void;
  readonly signal: AbortSignal;
}

/** Uploads with XMLHttpRequest, which reports the progress of an upload; `fetch` does not. */
export function uploadDataset({
  name,
  tokenizer,
  contentType,
  file,
  onProgress,
  signal,
}: DatasetFile): Promise<DatasetBody> {
  const query = new URLSearchParams({ name, ...(tokenizer === undefined ? {} : { tokenizer }) });
  const request = new XMLHttpRequest();
  request.open('POST', `/api/v1/datasets?${query.toString()}`);
  request.setRequestHeader('content-type', contentType);
  request.responseType = 'text';
  request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total));
  signal.addEventListener('abort', () => request.abort());
  return new Promise((resolve, reject) => {
    request.addEventListener('load', () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as DatasetBody);
      else reject(uploadRefused(request.status, request.responseText));
    });
    request.addEventListener('error', () => reject(uploadBroken()));
    request.addEventListener('abort', () => reject(uploadCancelled()));
    request.send(file);
  });
}

function uploadRefused(status: number, text: string): AppError {
  try {
    const problem = JSON.parse(text) as Problem;
    const kind = status === 409 ? 'conflict' : status === 413 ? 'too_large' : 'invalid';
    return new AppError({ code: problem.code, kind, message: problem.detail, fields: problem.errors ?? [] });
  } catch (cause) {
    return new AppError({ code: 'WEB.UPLOAD_FAILED', kind: 'internal', message: `the API answered ${status}`, cause });
  }
}

function uploadBroken(): AppError {
  const message = 'the connection broke during the upload; choose the file again';
  return new AppError({ code: 'WEB.UPLOAD_FAILED', kind: 'unavailable', message });
}

function uploadCancelled(): AppError {
  return new AppError({ code: 'WEB.UPLOAD_CANCELLED', kind: 'aborted', message: 'the upload was cancelled' });
}
