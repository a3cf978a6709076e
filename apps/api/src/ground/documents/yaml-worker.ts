import { parentPort } from 'node:worker_threads';
import { assert, describeError } from '@millrace/core';
import { parseYaml } from './parse-yaml';

assert(parentPort !== null, 'yaml-worker runs as a worker thread');
const port = parentPort;

port.on('message', (text: string) => {
  try {
    port.postMessage(parseYaml(text));
  } catch (error) {
    port.postMessage({ reason: describeError(error) });
  }
});
