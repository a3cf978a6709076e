import { describeError } from '@millrace/core';
import { serveWork } from '../../concurrency/serve-work';
import { type ParsedYaml, parseYaml } from './parse-yaml';

serveWork((text: string): ParsedYaml => {
  try {
    return parseYaml(text);
  } catch (error) {
    // What the parser throws is told of the document, whatever it is.
    return { reason: describeError(error) };
  }
});
