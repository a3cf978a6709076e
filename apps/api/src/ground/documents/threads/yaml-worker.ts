import { describeError } from '@millrace/core';
import { serveWork } from '../../concurrency/serve-work';
import { yamlObstacle } from '../yaml-shape';
import { type ParsedYaml, parseYaml } from './parse-yaml';

serveWork((text: string): ParsedYaml => {
  // Before the parser, which an overflow of its stack would end together with the process.
  const obstacle = yamlObstacle(text);
  if (obstacle !== undefined) return { reason: `${obstacle.reason} (line ${obstacle.line})` };
  try {
    return parseYaml(text);
  } catch (error) {
    // What the parser throws is told of the document, whatever it is.
    return { reason: describeError(error) };
  }
});
